"""Functions that check JSON values, and raise Refused for an invalid value. The functions are pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from loyalty.actor.refusals import Refused, shown

MAX_TEXT = 200
"""The largest number of characters in an id, a name, an e-mail address or a reward. The server allows ids of 1,000."""

MAX_TEXT_BYTES = 600
"""The largest number of bytes in such a text as JSON. A character that is not ASCII takes 6 or 12 bytes. The state and
the waiting messages of an actor must fit into the next run's input of 2 MiB."""

MAX_TRANSACTION_ID = 64
"""The largest number of characters in a transaction id. A UUID has 36; a customer keeps 500 transaction ids."""

READABLE_ADDRESS = re.compile(r"""[^@\s,;:<>()"\\]+@[^@\s,;:<>()"\\]+""")
"""The e-mail addresses that earlier releases accepted. Histories of their customers contain such addresses."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

ONE_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
"""One recipient in ASCII: a dot-atom of RFC 5322 and a host name. Other characters need a mail server with SMTPUTF8."""


def size(value: object) -> int:
    """Return the approximate length of a JSON value in characters, or 0 for a value that is nested too deeply."""
    try:
        return len(repr(value))
    except RecursionError:
        return 0


def no_surplus(message: str, surplus: tuple[object, ...], takes: str) -> None:
    """Raise Refused if `surplus` is not empty."""
    if surplus:
        raise Refused(f"Cannot read {message} with {shown(list(surplus))} at its end; it takes {takes}")


def text(value: object, what: str, *, required: bool = True) -> str:
    """Return `value` if `value` is printable text and not too long; otherwise raise Refused."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable() or value != value.strip():
        raise Refused(f"Cannot use {shown(value)} as {what}; expected text of at most {MAX_TEXT} printable characters")
    size = len(json.dumps(value)) - 2
    if size > MAX_TEXT_BYTES:
        raise Refused(
            f"Cannot use {shown(value)} as {what}; expected at most {MAX_TEXT_BYTES} bytes as JSON, not {size:,}"
        )
    if required and not value:
        raise Refused(f"Cannot use an empty text as {what}; expected 1 to {MAX_TEXT} printable characters")
    return value


def fields(value: object, shape: type, *optional: str) -> dict[str, Any]:
    """Return the fields of the JSON object `value`. Ignore fields that the dataclass `shape` does not have."""
    names = list(shape.__annotations__)
    required = [name for name in names if name not in optional]
    if not isinstance(value, Mapping) or any(name not in value for name in required):
        raise Refused(f"Cannot read {shown(value)}; expected an object with the fields {', '.join(names)}")
    return {name: value[name] for name in names if name in value}


def email(value: object) -> str:
    """Return `value` if `value` matches READABLE_ADDRESS or is empty; otherwise raise Refused.

    Workflows use this function, because a replay of an old history must succeed. The function `exact_email` has a
    stricter rule.
    """
    address = text(value, "an e-mail address", required=False)
    if address and not READABLE_ADDRESS.fullmatch(address):
        raise _no_address(address)
    return address


def exact_email(value: object) -> str:
    """Return `value` if `value` matches ONE_ADDRESS or is empty; otherwise raise Refused."""
    address = email(value)
    if address and (not ONE_ADDRESS.fullmatch(address) or "=?" in address):
        raise _no_address(address)
    return address


def _no_address(address: str) -> Refused:
    return Refused(f"Cannot use {shown(address)} as an e-mail address; expected an empty text, or name@host in ASCII")


def transaction_id(value: object) -> str:
    """Return `value` if `value` is a valid transaction id; otherwise raise Refused."""
    if not (
        isinstance(value, str) and value.isascii() and value.isprintable() and 0 < len(value.strip()) == len(value)
    ):
        raise Refused(f"Cannot use {shown(value)} as a transaction id; expected printable ASCII text, such as a UUID")
    if len(value) > MAX_TRANSACTION_ID:
        raise Refused(f"Cannot use {shown(value)} as a transaction id; expected up to {MAX_TRANSACTION_ID} characters")
    return value


def unknown_signal(name: str, signals: Sequence[str]) -> NoReturn:
    """Raise Refused for a signal with an unknown name. The known names are in `signals`."""
    raise Refused(f"Cannot understand the signal {shown(name)}; expected {', '.join(signals)}")
