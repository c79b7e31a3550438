"""Functions that read the parts of a first run's input, or raise Refused.

The functions are pure; see loyalty.actor.values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from loyalty.actor import values
from loyalty.actor.messages import Mail
from loyalty.actor.refusals import Refused, shown

ItemT = TypeVar("ItemT")


def refuse_other_id(actual: str, possible: str) -> None:
    """Raise Refused if the workflow id `actual` is not the allowed id `possible`."""
    if actual != possible:
        raise Refused(f"Cannot start this in the workflow {shown(actual)}; expected {shown(possible)}")


def fields(value: object, shape: type) -> dict[str, Any]:
    """Return the fields of a JSON object.

    A field may be missing if the dataclass `shape` has a default for the field.
    """
    return values.fields(value, shape, *(field.name for field in dataclasses.fields(shape) if _has_default(field)))


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def listed(value: object, what: str) -> list[object]:
    """Return `value` if `value` is a list; otherwise raise Refused."""
    if not isinstance(value, list):
        raise Refused(f"Cannot use {shown(value)} as {what}; expected a list")
    return value


def history_threshold(value: object) -> int | None:
    """Return `value` if `value` is a number of events or None; otherwise raise Refused."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise Refused(
            f"Cannot use {shown(value)} as history_threshold; expected a whole number of events, at least 1, or null"
        )
    return value


def of_kind(value: object, kinds: Mapping[str, Callable[[Mapping[str, Any]], ItemT]]) -> ItemT:
    """Return the message in `value`; raise Refused if `kinds` does not contain the kind of this message."""
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(kind, str) or kind not in kinds:
        raise Refused(f"Cannot read the message {shown(value)}; expected an object of kind {', '.join(kinds)}")
    return kinds[kind](value)


def flag(value: object, what: str) -> bool:
    """Return `value` if `value` is true or false; otherwise raise Refused."""
    if not isinstance(value, bool):
        raise Refused(f"Cannot use {shown(value)} as {what}; expected true or false")
    return value


def mail(value: object) -> Mail:
    """Return one e-mail from the field `outbox`; raise Refused if `value` is not a valid e-mail."""
    raw = fields(value, Mail)
    to = values.exact_email(raw["to"])
    if not to:
        raise Refused("Cannot send an e-mail to ''; expected name@host in ASCII")
    mail_id = raw.get("mail_id", "")
    return Mail(
        to,
        any_text(raw["subject"], "a subject"),
        any_text(raw["body"], "an e-mail's text"),
        values.text(raw["topic"], "a topic"),
        values.transaction_id(mail_id) if mail_id != "" else "",
    )


def any_text(value: object, what: str) -> str:
    """Return `value` if `value` is text that UTF-8 can encode; otherwise raise Refused.

    The text may have any length.
    """
    try:
        if isinstance(value, str):
            value.encode()
            return value
    except UnicodeEncodeError:  # half of a surrogate pair
        pass
    raise Refused(f"Cannot use {shown(value)} as {what}; expected text")
