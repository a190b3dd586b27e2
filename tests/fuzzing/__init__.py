"""Bytes of strangers, led by what they reach: a reader of ours answers or refuses, nothing else."""
