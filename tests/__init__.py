"""Tests of the loyalty program. They are a package, so that `python -m tests.support.record_histories` works."""
