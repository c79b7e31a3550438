"""What became of the transfers: one row of the table that compares the ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loyalty.lab.experiments.transfers.planning import POINTS


@dataclass
class Moved:
    """What one transfer cost its giver, and what it brought its receiver, in points."""

    lost: int
    gained: int


@dataclass
class Outcome:
    """What became of all transfers of a plan, made in one way.

    Each transfer is audited by itself, what its giver lost against what its receiver gained: the sum of all balances
    would hide points that one transfer has created behind points that another one has destroyed.

    `transfers` were asked for; `crashes` processes died meanwhile. `destroyed` are points that left a giver and came
    to no receiver, `created` are points that came to a receiver and left no giver. `twice` are transfers that took
    place more than once: nothing is created or destroyed, and both balances are wrong. `missing` are transfers that
    brought their receiver nothing. `seconds` include the starts of processes.
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
    """Add up what went wrong in each transfer."""
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
