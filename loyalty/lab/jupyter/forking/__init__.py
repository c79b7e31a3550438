"""Kernels that are forked from one process and share its memory (Linux only)."""
