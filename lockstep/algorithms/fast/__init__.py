"""Fast holds second ways to a page's numbers: compiled gradients, shares of a batch over cores, one CUDA graph.

All of them are held to the page by tests. `agents`, `mixing` and the three kernels are the gradient of QMIX, compiled;
`shares` and `share_worker` the processes that work on one batch; `graph_learner` the update as one graph of a GPU.
"""
