"""Wrong and right tries of the exercises on a real server, faster than in a notebook."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from temporalio.client import Client

from loyalty.lab.course import exercises

GRACE, LINUS, HEDY, IDA = "grace starts as Silver", "Linus falls back", "Hedy goes to a concert", "Ida is invited"
RADIA, LEAN, PHOENIX, FRANCES = "a second attempt", "lean purchases", "four runs", "delivered three times"
MONDAY, STUCK = "two payments", "terminated, not undone"
NAMES = {
    GRACE: "grace", LINUS: "linus", HEDY: "hedy", IDA: "ida", RADIA: "radia", LEAN: "lean", PHOENIX: "phoenix",
    FRANCES: "frances",    MONDAY: "monday", STUCK: "o-stuck",
}  # fmt: skip
"""The id of the first try of each exercise. The ids of the next tries are `grace-2`, `grace-3`, and so on."""


class Place(Protocol):
    """A shop in which a learner's workflows run."""

    @property
    def client(self) -> Client:
        """The client of the shop's namespace."""
        ...


PlaceT = TypeVar("PlaceT", bound=Place)

MakeT = TypeVar("MakeT", bound=Callable[..., object])

Right: TypeAlias = Callable[[PlaceT, str], Awaitable[None]]
"""Makes the right try under a name."""


def titled(make: MakeT, title: str) -> MakeT:
    """Give a function the name that pytest shows."""
    make.__name__ = title
    return make


@dataclass(frozen=True)
class WrongTry(Generic[PlaceT]):
    """A wrong try of a learner, and a part of the expected hint."""

    exercise: str
    make: Callable[[PlaceT], Awaitable[Any]]
    hint: str

    def __str__(self) -> str:
        return f"{self.exercise}-{self.make.__name__}"


async def hint_of(exercise: str, client: Client) -> str:
    """Return the answer of the exercise's check. Fail if the answer is not a hint."""
    answer = await exercises.check(exercise, client)
    assert answer.startswith("Not yet: "), answer
    assert ".." not in answer.replace("...", ""), f"Two full stops in a row: {answer}"
    return answer


def named_id(hint: str, name: str) -> str:
    """Return the id that a hint gives for the next try."""
    return next(reversed(re.findall(rf"'({name}(?:-\d+)?)'", hint)), name)


async def check_hint_and_right_try(shop: PlaceT, wrong: WrongTry[PlaceT], right: Right[PlaceT]) -> None:
    """Make the wrong try and compare the hint.

    Then make the right try with the next id from the hint, and expect "Done".
    """
    await wrong.make(shop)
    hint = await hint_of(wrong.exercise, shop.client)
    assert wrong.hint in hint
    name = named_id(hint, NAMES[wrong.exercise])
    await right(shop, name)
    answer = await exercises.check(wrong.exercise, shop.client)
    assert answer.startswith("Done: "), f"After {hint!r} a right try as {name!r} is refused: {answer}"
