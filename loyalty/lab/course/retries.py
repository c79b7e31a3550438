"""Compute the pauses between attempts for a retry policy."""

from __future__ import annotations

from temporalio.common import RetryPolicy

DEFAULT_LONGEST = 100
"""The server's default for the longest pause, as a multiple of the first pause."""


def pauses_seconds(policy: RetryPolicy) -> list[float]:
    """Return the pauses between the attempts; raise ValueError if the number of attempts is unlimited."""
    if not policy.maximum_attempts:
        raise ValueError("Cannot list the pauses of a policy without `maximum_attempts`: they never end")
    longest = policy.maximum_interval or policy.initial_interval * DEFAULT_LONGEST
    pauses = (policy.initial_interval * policy.backoff_coefficient**n for n in range(policy.maximum_attempts - 1))
    return [min(pause, longest).total_seconds() for pause in pauses]
