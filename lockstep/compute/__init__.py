"""Compute holds what turns the machine into numbers, whatever they mean.

Compiling and where machine code is kept (`compiled`), the functions that kernels share (`arithmetic`), work that a GPU
plays again without being asked step by step (`cuda_graph`), and what the machine has (`machine`).
"""
