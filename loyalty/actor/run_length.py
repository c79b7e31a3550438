"""The limits of one run of an actor. Pure.

The server limits each run to 51,200 events (`limit.historyCount.error`), 50 MiB (`limit.historySize.error`), 10,000
signals (`history.maximumSignalsPerExecution`) and 2,000 updates (`history.maxTotalUpdates`). These are the limits of
Temporal Server 1.32, with the names of their dynamic configuration keys. An actor continues as new before the run
reaches any of these limits. In a burst of purchases, one Workflow Task processes many signals, so a run reaches the
limit of signals first.
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024

EVENT_LIMIT = 51_200
"""The server's limit of events. A higher history threshold switches continue-as-new off, for experiments."""

SIZE_THRESHOLD = 10 * MIB
"""The largest size of a run in bytes: 20 % of the server's limit."""

SIGNAL_SHARE, MOST_SIGNALS = 0.8, 2_000
"""The largest number of signals in a run: a share of the history threshold, but at most 2,000.

The server fails a Workflow Task if more than 100 signals arrive during it (`history.maximumBufferedEventsBatch`). The
worker then replays the run from its first event. The next task fails, too, if more than 100 signals arrive during
this replay. A short run replays faster. Measured on two cores with `make bench BENCH=storm` (20 senders for 20 s, the
worker killed after a third): with 8,000 signals per run, the server refused 8,300 to 10,000 signals in each of three
storms. With 2,000, it refused none in five storms. With 1,000, storms took a fifth longer."""

FORMERLY_MOST_SIGNALS = 8_000
"""The limit of signals for runs of earlier releases."""

UPDATE_SHARE, MOST_UPDATES = 0.16, 1_600
"""The largest number of updates in a run: a share of the history threshold, but at most 1,600."""


@dataclass
class RunLength:
    """The length of one run. The server reports `events` and `size` (bytes); the actor counts `signals` and `updates`.

    The field `most_signals` is the limit of signals for this run.

    If a worker replays a run only for a query, the SDK may report a history length that is larger by one event. With
    temporalio 1.35.0, a query saw 12 events instead of 11, because the last two tasks had recorded no command
    (measured). `is_long` may then return true for a short run. This error can change only the answer to the query, not
    the history.
    """

    events: int
    size: int
    continue_as_new_suggested: bool
    signals: int
    updates: int
    most_signals: int = MOST_SIGNALS

    def is_long(self, history_threshold: int | None) -> bool:
        """Return whether the run has to continue as new.

        If `history_threshold` is None, the server suggests Continue-As-New at 4,096 events or 4 MiB.
        """
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
