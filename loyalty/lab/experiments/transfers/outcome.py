"""One row of notebook 10's table: the outcome of all transfers in one way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loyalty.lab.experiments.transfers.planning import POINTS


@dataclass
class Moved:
    """Result of one transfer: the giver's lost points and the receiver's gained points."""

    lost: int
    gained: int


@dataclass
class Outcome:
    """The outcome of all transfers of a plan in one way.

    Each transfer is checked separately, because destroyed and created points would cancel out in a sum.

    The field `transfers` is the number of requested transfers, and `crashes` is the number of crashed processes. The
    points in `destroyed` left a giver but reached no receiver. The points in `created` reached a receiver but left no
    giver. The field `twice` counts transfers that happened more than once: both balances are wrong, but their sum is
    right. The field `missing` counts transfers without any points for the receiver. The time in `seconds` includes the
    starts of processes.
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
