"""Reproduce makes the published experiment again: what it consists of, its trainings, its judgement and its story."""
