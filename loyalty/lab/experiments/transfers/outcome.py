"""The result of many transfers by one way: calls, a queue, or gifts. Notebook 10 shows one row per way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loyalty.lab.experiments.transfers.planning import POINTS


@dataclass
class Moved:
    """Result of one transfer: the points that the giver lost, and the points that the receiver gained."""

    lost: int
    gained: int


@dataclass
class Outcome:
    """The outcome of all transfers with calls, a queue, or gifts.

    Each transfer is checked separately. Sums are not enough, because destroyed and created points could add up to 0.

    The field `transfers` is the number of requested transfers, and `crashes` is the number of crashed processes. The
    field `destroyed` is the number of points that a giver lost, but no receiver gained. The field `created` is the
    number of points that a receiver gained, but no giver lost. The field `twice` counts transfers that happened more
    than once: both balances are wrong, but the sum of the balances is right. The field `missing` counts transfers in
    which the receiver gained no points. The field `seconds` includes the time for starting processes.
    """

    way: str
    transfers: int
    crashes: int
    destroyed: int
    created: int
    twice: int
    missing: int
    seconds: float


def audit(way: str, moved: Sequence[Moved], crashes: int, seconds: float) -> Outcome:
    """Return the outcome of all transfers."""
    return Outcome(
        way=way,
        transfers=len(moved),
        crashes=crashes,
        destroyed=sum(max(0, transfer.lost - transfer.gained) for transfer in moved),
        created=sum(max(0, transfer.gained - transfer.lost) for transfer in moved),
        twice=sum(min(transfer.lost, transfer.gained) > POINTS for transfer in moved),
        missing=sum(transfer.gained == 0 for transfer in moved),
        seconds=seconds,
    )
