"""The length of an actor's current run, compared with the limits of a run. Runs inside a workflow."""

from __future__ import annotations

from temporalio import workflow

from loyalty.actor.run_length import FORMERLY_MOST_SIGNALS, MOST_SIGNALS, RunLength

SHORTER_STORMS = "shorter-storms"
"""Patch: a run may receive fewer signals than before. Only a run that reaches the new limit records its two events."""


class RunMeter:
    """Counts the signals and updates of one run, and compares the length of the run with the limits.

    The meter also counts refused messages.

    The parameter `history_threshold` is a number of events. If `history_threshold` is None, the server suggests when to
    continue as new.
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
        """Count an update that has arrived, and remember the Workflow Task of the update."""
        self.updates += 1
        self._newest_update_at = workflow.info().get_current_history_length()

    def update_came_with_this_task(self) -> bool:
        """Return whether an update arrived with the current Workflow Task.

        Each Workflow Task has a different history length.
        """
        return self._newest_update_at == workflow.info().get_current_history_length()

    def decide_to_end(self) -> bool:
        """Return whether the run has to end. This method may record a patch marker, so handlers must not call it.

        For a run of an older release, this method sets a higher limit of signals.
        """
        if self.signals >= MOST_SIGNALS and not workflow.patched(SHORTER_STORMS):
            self._most_signals = FORMERLY_MOST_SIGNALS
        return self.is_long()

    def is_long(self) -> bool:
        """Return whether the run is long. This method records no event, so handlers may call it."""
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
        """Return whether the run is long. Before the first message arrives, return False; a refused message counts as a
        message.

        Before the first message arrives, the length is not reliable: a replay may report a longer history than the
        first execution. The SDK joins an empty Workflow Task with the next task, unless the next task contains an
        update.
        """
        return self.signals + self.updates > 0 and self.is_long()
