"""A checkpoint is all of a run or nothing, and a stranger's is read without believing a word of it.

`checkpoint` writes and loads them, `replay_files` keeps episodes in chunks that checkpoints share, `tensor_files`
checks what a file claims before anything is made of it.
"""
