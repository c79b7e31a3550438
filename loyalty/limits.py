"""When one run of an actor has lived long enough. Pure.

The server's limits per run (Temporal Server 1.32, dynamic configuration keys in parentheses): 51,200 events
(`limit.historyCount.error`), 50 MiB (`limit.historySize.error`), 10,000 signals
(`history.maximumSignalsPerExecution`) and 2,000 updates (`history.maxTotalUpdates`). Whichever comes first stops the
actor, so it turns its back on all four; a burst of purchases shares its other events and meets the signals first.
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024

HISTORY_SIZE_THRESHOLD = 10 * MIB
"""Bytes: 20 % of the size limit of 50 MiB."""

BYTES_PER_EVENT = 1024
"""51,200 events of 1 KiB are 50 MiB: a higher event threshold raises the size threshold in step."""

SIGNALS_PER_EVENT = 0.8
"""8,000 signals at the default threshold of 10,000 events, 80 % of the server's limit: a storm goes on arriving
while the run is being left."""

UPDATES_PER_EVENT = 0.16
"""1,600 updates at the default threshold of 10,000 events, 80 % of the server's limit."""


@dataclass
class RunLength:
    """How far one run has come. `events` and `size` (bytes) are the server's, the other two the actor's own count."""

    events: int
    size: int
    continue_as_new_suggested: bool
    signals: int
    updates: int

    def is_long(self, history_threshold: int | None) -> bool:
        """Return whether it is time to continue as new; None leaves that to the server (4,096 events or 4 MiB)."""
        if history_threshold is None:
            return self.continue_as_new_suggested
        return (
            self.events >= history_threshold
            or self.size >= max(HISTORY_SIZE_THRESHOLD, history_threshold * BYTES_PER_EVENT)
            or self.signals >= history_threshold * SIGNALS_PER_EVENT
            or self.updates >= history_threshold * UPDATES_PER_EVENT
        )
