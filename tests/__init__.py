"""Tests of the loyalty program; a package, so that `python -m tests.support.record_histories` runs."""
