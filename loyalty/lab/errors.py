"""What goes wrong in a lab, in sentences for a learner."""

from __future__ import annotations


class LabError(Exception):
    """Something that the learner can mend; the text says what happened and what to do."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this instead of forty frames of asyncio, of which none tells what to do.
        return [f"{type(self).__name__}: {self}"]


class WaitedTooLong(LabError):
    """A wait met its deadline; the text says what it waited for."""


class WorkflowTaskFailing(LabError):
    """The workflow's code fails on its newest task, which the server retries for ever."""
