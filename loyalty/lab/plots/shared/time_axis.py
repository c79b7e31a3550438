"""Compute the x values of events on two kinds of axis: to scale, or with equal distances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from loyalty.lab.plots.shared.sent_messages import CLIENTS, Message

if TYPE_CHECKING:
    import pandas as pd

IN_SECONDS = 10_000
"""Milliseconds; a longer axis counts in seconds."""


class Time:
    """An x axis to scale."""

    def __init__(self, frame: pd.DataFrame) -> None:
        begin, end = frame.time.min(), frame.time.max()
        in_seconds = (end - begin).total_seconds() * 1000 >= IN_SECONDS
        self._unit = 1 if in_seconds else 1000
        self._begin = begin
        unit = "seconds" if in_seconds else "milliseconds"
        self.words = f"{unit} since the first event shown"
        self.last = self.since(end)
        self.ticks: dict[float, str] = {}

    def since(self, time: pd.Timestamp) -> float:
        """Return the seconds or milliseconds since the first event shown."""
        return float((time - self._begin).total_seconds() * self._unit)

    def at(self, time: pd.Timestamp, who: str = "") -> float:
        """Return the x value of an event; `who` is the workflow id."""
        return self.since(time)


class Order(Time):
    """An x axis with equal distances between neighbouring events."""

    def __init__(self, sent: Sequence[Message], frame: pd.DataFrame) -> None:
        super().__init__(frame)
        ends = {end for message in sent for end in ends_of(message)}
        self._places: dict[tuple[Any, str], int] = {end: place for place, end in enumerate(sorted(ends))}
        times: dict[float, float] = {}
        for (time, _), place in self._places.items():
            times.setdefault(self.since(time), place)
        first, last = min(times, default=0.0), max(times, default=0.0)
        if first > 0:
            times[0] = times.get(first, 0) - 1
        if self.since(frame.time.max()) > last:
            times[self.since(frame.time.max())] = len(ends)
        self._times = sorted(times.items())
        self.words += ", in order and not to scale"
        self.last = float(len(ends))
        decimals = 1 if self._unit == 1 else 0
        self.ticks = {place: f"{self.since(time):,.{decimals}f}" for (time, _), place in self._places.items()}

    def at(self, time: pd.Timestamp, who: str = "") -> float:
        """Return the x value of an event; `who` is the workflow id."""
        import numpy as np

        if (time, who) in self._places:
            return self._places[time, who]
        times, places = zip(*self._times, strict=True) if self._times else ((0.0,), (0.0,))
        return float(np.interp(self.since(time), times, places))


def ends_of(message: Message) -> tuple[tuple[Any, str], tuple[Any, str]]:
    """Return (time, workflow id) of the sending event, and (time, workflow id) of the receiving event.

    If the histories contain only one of the two events, the function returns the pair of this event twice.
    """
    if message.sent == message.received:
        side = message.sender if message.receiver == CLIENTS else message.receiver
        return (message.sent, side), (message.sent, side)
    return (message.sent, message.sender), (message.received, message.receiver)
