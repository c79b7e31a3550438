"""Test the pauses of a retry policy."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.common import RetryPolicy

from loyalty.actor.outbox import EMAIL_RETRIES
from loyalty.handlers import START_GUEST_RETRIES
from loyalty.lab.course.retries import pauses_seconds


def test_retry_pauses_grow_until_they_reach_the_maximum_interval() -> None:
    assert pauses_seconds(EMAIL_RETRIES) == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6, 6, 6, 6])


def test_each_retry_pause_is_by_default_twice_as_long_as_the_previous_pause() -> None:
    assert pauses_seconds(START_GUEST_RETRIES) == [1, 2, 4, 8, 16]


def test_longest_pause_is_by_default_100_times_the_first_pause() -> None:
    policy = RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=1_000, maximum_attempts=3)
    assert pauses_seconds(policy) == [1, 100]


def test_retry_policy_is_refused_if_it_allows_unlimited_attempts() -> None:
    with pytest.raises(ValueError, match="without `maximum_attempts`"):
        pauses_seconds(RetryPolicy())
