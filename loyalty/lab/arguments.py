"""Check the arguments of the lab's functions; each error shows the wrong value and the possible values."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from inspect import iscoroutine
from numbers import Integral, Real
from pathlib import Path

from loyalty.lab.errors import LabError

NAME_LIMIT = 100
"""The largest number of characters in a lab's name. The namespace gets this name, and every link shows the name."""


def refuse_start(
    name: object, database: object, limits: object, own_server: object, worker: object, patience: object
) -> None:
    """Raise LabError if an argument of `Lab.start` is wrong. The function `refuse_taken` checks the port."""
    if name is not None:
        refuse_text("name", name, "my-lab")
        if len(str(name)) > NAME_LIMIT:
            raise LabError(f"Cannot use a name of {len(str(name)):,} characters: at most {NAME_LIMIT} are possible")
    if database is not None and not isinstance(database, Path):
        refuse_text("database", database, "temporal.db")
    if limits is not None:
        refuse_limits(limits)
    refuse_switch("own_server", own_server)
    refuse_switch("worker", worker)
    refuse_seconds("patience", patience)


def refuse_text(name: str, value: object, such_as: str) -> None:
    """Raise LabError if `value` is not a string or is blank."""
    if not isinstance(value, str) or not value.strip():
        _refuse(name, value, f"a string, such as {such_as!r}")


def refuse_switch(name: str, value: object) -> None:
    """Raise LabError if `value` is not a bool."""
    if not isinstance(value, bool):
        _refuse(name, value, "True or False")


def refuse_seconds(name: str, value: object, *, zero: bool = False) -> None:
    """Raise LabError if `value` is not a finite number above 0. With `zero=True`, 0 is allowed, too."""
    is_number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or value < 0 or (value == 0 and not zero):  # type: ignore[operator]  # `value` is a number here
        _refuse(name, value, f"a number of seconds, {'0 or more' if zero else 'more than 0'}")


def refuse_count(name: str, value: object, *, least: int = 0, most: int | None = None) -> None:
    """Raise LabError if `value` is not a whole number from `least` to `most`."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < least or (most is not None and value > most):  # type: ignore[operator]
        _refuse(
            name, value, f"a whole number, {least} or more" if most is None else f"a number from {least} to {most:,}"
        )


def refuse_function(name: str, value: object) -> None:
    """Raise LabError if `value` is not a function. If `value` is a coroutine, close it."""
    if not callable(value):
        if iscoroutine(value):
            value.close()
        _refuse(name, value, "a function without arguments: write its name without parentheses, or a lambda")


def refuse_limits(value: object) -> None:
    """Raise LabError if `value` is not a valid dynamic configuration of the server."""
    try:
        possible = isinstance(value, Mapping) and all(isinstance(key, str) and json.dumps(value[key]) for key in value)
    except TypeError:
        possible = False
    if not possible:
        _refuse("limits", value, 'a dictionary, such as {"limit.historyCount.error": 2_000}')


def _refuse(name: str, value: object, possible: str) -> None:
    raise LabError(f"Cannot use {name}={value!r}: {name} must be {possible}")
