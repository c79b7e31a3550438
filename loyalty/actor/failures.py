"""The conversion of a refusal into the error that the SDK records and sends."""

from __future__ import annotations

from temporalio.exceptions import ApplicationError

from loyalty.actor.refusals import Refused


def as_failure(refusal: Refused) -> ApplicationError:
    """Return the error for an update, a workflow or an activity that is refused. The error is not retried.

    Any other exception in an update handler would fail the Workflow Task, and the server would retry the task without
    end.
    """
    return ApplicationError(str(refusal), type="Refused", non_retryable=True)
