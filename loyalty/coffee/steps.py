"""The steps of an order, with timeouts, retry policies and progress. Runs inside a workflow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, TimeoutType
from temporalio.exceptions import TimeoutError as ActivityTimeoutError
from temporalio.workflow import ActivityConfig

THREE_ATTEMPTS = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=100),
    maximum_attempts=3,
)
"""Two retries, after 1 s and 2 s, because a customer waits at the counter."""

UNTIL_IT_SUCCEEDS = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(seconds=100)
)
"""Retries without a limit, after pauses of 1, 2, 4, ..., 64, 100, 100, ... s."""


QUICK = ActivityConfig(start_to_close_timeout=timedelta(seconds=10), retry_policy=THREE_ATTEMPTS)
"""For activities that call a database or a mail server."""

BARISTA = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=5), heartbeat_timeout=timedelta(seconds=2), retry_policy=THREE_ATTEMPTS
)
"""For the preparation. The server starts the next attempt after two seconds without a heartbeat."""

OWED = ActivityConfig(start_to_close_timeout=timedelta(seconds=10), retry_policy=UNTIL_IT_SUCCEEDS)
"""For activities that must succeed: compensations, and the points for a ready order."""


class Steps:
    """The progress of one order. The attribute `done` contains the finished steps; `doing` is the running step."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.doing: str | None = None

    async def do(
        self, activity: str, argument: object, options: ActivityConfig = QUICK, result_type: type | None = None
    ) -> Any:
        """Execute one step and add the step to `done`; raise ActivityError if the step fails."""
        self.doing = activity
        try:
            result = await workflow.execute_activity(activity, argument, result_type=result_type, **options)
        finally:
            self.doing = None
        self.done.append(activity)
        return result


def why(failure: BaseException) -> str:
    """Return the reason of a failure as a sentence for the customer."""
    cause = failure.cause if isinstance(failure, ActivityError) else failure
    if isinstance(cause, ActivityTimeoutError) and cause.type is TimeoutType.HEARTBEAT:
        return "The barista stopped sending heartbeats"
    return getattr(cause, "message", "") or str(cause or failure)
