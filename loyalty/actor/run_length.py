"""When one run of an actor has lived long enough. Pure.

The server's limits per run (Temporal Server 1.32, dynamic configuration keys in parentheses): 51,200 events
(`limit.historyCount.error`), 50 MiB (`limit.historySize.error`), 10,000 signals
(`history.maximumSignalsPerExecution`) and 2,000 updates (`history.maxTotalUpdates`). Whichever comes first stops the
actor, so it turns its back on all four; a burst of purchases shares its other events and meets the signals first.
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024

EVENT_LIMIT = 51_200
"""A threshold above it switches continue-as-new off: an experiment that wants to meet the limits."""

SIZE_THRESHOLD = 10 * MIB
"""Bytes: 20 % of the limit."""

SIGNAL_SHARE, MOST_SIGNALS = 0.8, 2_000
"""Signals per event of the threshold, and at most.

The server fails a Workflow Task while which more than 100 signals arrive (`history.maximumBufferedEventsBatch`); the
worker then replays the run from its beginning, which fails again for as long as more than 100 arrive meanwhile. A short
run is replayed sooner, and is far from 10,000 signals when that begins. Measured on two cores with `make bench
BENCH=storm` (20 senders for 20 s, the worker killed after a third): with 8,000 the server refused 8,300 to 10,000
signals in each of three storms, with 2,000 none in five. Half of it made storms a fifth slower."""

FORMERLY_MOST_SIGNALS = 8_000
"""What holds for runs that had more than MOST_SIGNALS before that became the limit."""

UPDATE_SHARE, MOST_UPDATES = 0.16, 1_600
"""The same for updates."""


@dataclass
class RunLength:
    """How far one run has come. `events` and `size` (bytes) are the server's, the rest is the actor's own.

    `updates` and `signals` are counts; `most_signals` is what holds for this run.

    When a worker replays a run only for a query, the SDK may count one event too many in the newest Workflow Task
    (temporalio 1.35.0, measured: 12 instead of 11, where this task and the one before it wrote nothing but their end).
    A run can then look long that is not; the query sees what is decided upon that, and nothing else does.
    """

    events: int
    size: int
    continue_as_new_suggested: bool
    signals: int
    updates: int
    most_signals: int = MOST_SIGNALS

    def is_long(self, history_threshold: int | None) -> bool:
        """Return whether it is time to continue as new; None leaves that to the server (4,096 events or 4 MiB)."""
        if history_threshold is None:
            return self.continue_as_new_suggested
        if history_threshold > EVENT_LIMIT:
            return False
        return (
            self.events >= history_threshold
            or self.size >= SIZE_THRESHOLD
            or self.signals >= min(self.most_signals, history_threshold * SIGNAL_SHARE)
            or self.updates >= min(MOST_UPDATES, history_threshold * UPDATE_SHARE)
        )
