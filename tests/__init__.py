"""Tests of the loyalty program; a package, so that `python -m tests.record_histories` runs."""
