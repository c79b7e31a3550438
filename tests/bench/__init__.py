"""Benchmarks for `make bench`.

The benchmarks compare times and memory as ratios within one benchmark run. They are not tests.
"""
