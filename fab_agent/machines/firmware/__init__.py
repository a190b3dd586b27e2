"""Machines made of memory: bytes in, bytes out, time only by `tick`. For trials and tests."""
