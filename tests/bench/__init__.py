"""Benchmarks for `make bench`. They compare times and memory as ratios from one run. They are not tests."""
