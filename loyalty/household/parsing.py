"""What arrives at a household, made into messages, or a sentence that says what is wrong. Pure; see loyalty.parsing."""

from __future__ import annotations

from typing import NoReturn

from loyalty import parsing
from loyalty.household.messages import AddMember, CloseHousehold, ContinueAsNew, GiveToAll

SIGNALS = ("addMember", "giveToAll", "continueAsNew", "closeHousehold")


def add_member(member: object = None, *surplus: object) -> AddMember:
    """Parse `addMember`; whether this customer exists already only the server can tell."""
    parsing.no_surplus("a new member", surplus, "one object")
    return AddMember(parsing.person(member))


def give_to_all(points: object = None, *surplus: object) -> GiveToAll:
    """Parse `giveToAll`."""
    parsing.no_surplus("a gift to all", surplus, "a number of points")
    return GiveToAll(parsing.whole_points(points, 1))


def continue_as_new(*surplus: object) -> ContinueAsNew:
    """Parse `continueAsNew`."""
    parsing.no_surplus("a wish to continue as new", surplus, "nothing")
    return ContinueAsNew()


def close_household(*surplus: object) -> CloseHousehold:
    """Parse `closeHousehold`."""
    parsing.no_surplus("a closure", surplus, "nothing")
    return CloseHousehold()


def unknown_signal(name: str) -> NoReturn:
    """Refuse a signal that is not part of the contract."""
    parsing.unknown_signal(name, SIGNALS)
