"""The errors that a lab raises, with texts for the learner."""

from __future__ import annotations


class LabError(Exception):
    """An error that the learner can fix; the text describes the problem and the next step."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this line instead of forty frames of asyncio, which do not help a learner.
        return [f"{type(self).__name__}: {self}"]


class WaitedTooLong(LabError):
    """A wait reached its deadline; the error's text contains the awaited condition."""


class WorkflowTaskFailing(LabError):
    """The workflow's code fails, and the server retries the Workflow Task forever."""
