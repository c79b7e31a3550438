from __future__ import annotations

import pytest
from temporalio.exceptions import ActivityError, ApplicationError, RetryState, TimeoutError, TimeoutType

from loyalty.coffee.steps import why


def failed_because_of(cause: Exception) -> ActivityError:
    failure = ActivityError(
        "Activity task failed",
        scheduled_event_id=5,
        started_event_id=6,
        identity="",
        activity_type="prepareBeverage",
        activity_id="1",
        retry_state=RetryState.MAXIMUM_ATTEMPTS_REACHED,
    )
    failure.__cause__ = cause
    return failure


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (ApplicationError("The milk was spilled"), "The milk was spilled"),
        (
            TimeoutError("activity Heartbeat timeout", type=TimeoutType.HEARTBEAT, last_heartbeat_details=[]),
            "The barista stopped sending heartbeats",
        ),
        (
            TimeoutError("activity StartToClose timeout", type=TimeoutType.START_TO_CLOSE, last_heartbeat_details=[]),
            "activity StartToClose timeout",
        ),
    ],
)
def test_reason_of_a_failed_step_is_a_full_sentence(cause: Exception, reason: str) -> None:
    assert why(failed_because_of(cause)) == reason
