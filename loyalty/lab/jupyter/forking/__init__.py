"""Kernels that are forked from one process, and so share memory. Linux only."""
