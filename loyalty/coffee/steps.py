"""How a step is done: its timeouts, its retries, and which ones have been done. Runs inside a workflow."""

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
"""Two pauses, of 1 and 2 s: a customer waits at the counter."""

UNTIL_IT_SUCCEEDS = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(seconds=100)
)
"""Pauses of 1, 2, 4, ..., 64, 100, 100, ... s, without an end."""


QUICK = ActivityConfig(start_to_close_timeout=timedelta(seconds=10), retry_policy=THREE_ATTEMPTS)
"""For activities that ask a database or a mail server."""

BARISTA = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=5), heartbeat_timeout=timedelta(seconds=2), retry_policy=THREE_ATTEMPTS
)
"""A barista who sends no heartbeat for two seconds has died; another one goes on from the last heartbeat."""

OWED = ActivityConfig(start_to_close_timeout=timedelta(seconds=10), retry_policy=UNTIL_IT_SUCCEEDS)
"""For what has to happen: a compensation, and what follows the point from which there is no way back."""


class Steps:
    """The steps of one order: those `done`, by the names of their activities, and the one that somebody is `doing`."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.doing: str | None = None

    async def do(
        self, activity: str, argument: object, options: ActivityConfig = QUICK, result_type: type | None = None
    ) -> Any:
        """Do one step, and remember it; raise ActivityError where it fails."""
        self.doing = activity
        try:
            result = await workflow.execute_activity(activity, argument, result_type=result_type, **options)
        finally:
            self.doing = None
        self.done.append(activity)
        return result


def why(failure: BaseException) -> str:
    """Return what made a step fail, in the words of whoever failed; in ours, where nobody is left to say it."""
    cause = failure.cause if isinstance(failure, ActivityError) else failure
    if isinstance(cause, ActivityTimeoutError) and cause.type is TimeoutType.HEARTBEAT:
        return "Whoever was at work was not heard of any more"
    return getattr(cause, "message", "") or str(cause or failure)
