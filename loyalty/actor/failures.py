"""How a refusal reaches the sender of a message, and the history. Knows no customer."""

from __future__ import annotations

from temporalio.exceptions import ApplicationError

from loyalty.actor.refusals import Refused


def as_failure(refusal: Refused) -> ApplicationError:
    """Return the error that an update, a run or an activity ends with; another attempt would be refused, too.

    Any other exception in an update handler would fail the Workflow Task, again and again.
    """
    return ApplicationError(str(refusal), type="Refused", non_retryable=True)
