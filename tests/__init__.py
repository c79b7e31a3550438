"""Tests of the loyalty program. The tests are a package, so that `python -m tests.support.record_histories` works."""
