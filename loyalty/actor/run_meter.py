"""How long the current run of an actor is, and whether it has to end. Runs inside a workflow."""

from __future__ import annotations

from temporalio import workflow

from loyalty.actor.run_length import FORMERLY_MOST_SIGNALS, MOST_SIGNALS, RunLength

SHORTER_STORMS = "shorter-storms"
"""Patch: a run may receive fewer signals than before. Only a run that reaches the new limit records its two events."""


class RunMeter:
    """Counts the signals and updates of one run, refused ones included, and compares the run with its limits.

    `history_threshold` is in events; None follows the server's suggestion.
    """

    def __init__(self, history_threshold: int | None) -> None:
        self._history_threshold = history_threshold
        self._most_signals = MOST_SIGNALS
        self._newest_update_at = 0
        self.signals = 0
        self.updates = 0

    def count_signal(self) -> None:
        """Count a signal that has arrived."""
        self.signals += 1

    def count_update(self) -> None:
        """Count an update that has arrived, and remember its Workflow Task."""
        self.updates += 1
        self._newest_update_at = workflow.info().get_current_history_length()

    def update_came_with_this_task(self) -> bool:
        """Return whether an update arrived in this Workflow Task; the length of the history tells tasks apart."""
        return self._newest_update_at == workflow.info().get_current_history_length()

    def decide_to_end(self) -> bool:
        """Return whether the run has to end. May record a patch marker, so only the code below `run` calls this method.

        A run that an older release started may receive more signals: its limit is raised here.
        """
        if self.signals >= MOST_SIGNALS and not workflow.patched(SHORTER_STORMS):
            self._most_signals = FORMERLY_MOST_SIGNALS
        return self.is_long()

    def is_long(self) -> bool:
        """Return whether the run is long. Records nothing, so a wait condition, a validator or a query may call it."""
        info = workflow.info()
        length = RunLength(
            events=info.get_current_history_length(),
            size=info.get_current_history_size(),
            continue_as_new_suggested=info.is_continue_as_new_suggested(),
            signals=self.signals,
            updates=self.updates,
            most_signals=self._most_signals,
        )
        return length.is_long(self._history_threshold)

    def is_long_by_messages(self) -> bool:
        """Return whether the run is long and has received at least one message, perhaps a refused one.

        At the beginning of a run, a worker that replays the run may see another length than the first worker saw. The
        SDK joins an empty Workflow Task with the task that follows it at once, until the history shows an update in the
        second task.
        """
        return self.signals + self.updates > 0 and self.is_long()
