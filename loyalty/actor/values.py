"""How values from strangers are read: JSON in, a value out, or a sentence that says what is wrong with it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from loyalty.actor.refusals import Refused, shown

MAX_TEXT = 200
"""Characters of an id, a name, an e-mail address or a reward. The server allows ids of 1,000."""

MAX_TEXT_BYTES = 600
"""The same as JSON, where a character of another script takes 6 or 12 bytes. What an actor remembers, and what waits
for it, has to fit into the next run's input of 2 MiB, whoever wrote it."""

MAX_TRANSACTION_ID = 64
"""Characters of a transaction id, printable ASCII: long enough for a UUID, short enough to remember many."""

READABLE_ADDRESS = re.compile(r"""[^@\s,;:<>()"\\]+@[^@\s,;:<>()"\\]+""")
"""What earlier releases took for one recipient, and what the histories of their customers hold."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

ONE_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
"""One recipient in ASCII: a dot-atom of RFC 5322 and a host name. Other scripts need a mail server with SMTPUTF8."""


def size(value: object) -> int:
    """Return about how many characters a JSON value has; 0 for a value that is nested too deeply."""
    try:
        return len(repr(value))
    except RecursionError:
        return 0


def no_surplus(message: str, surplus: tuple[object, ...], takes: str) -> None:
    """Raise Refused where arguments are left over."""
    if surplus:
        raise Refused(f"Cannot read {message} with {shown(list(surplus))} at its end; it takes {takes}")


def text(value: object, what: str, *, required: bool = True) -> str:
    """Return `value` where it is printable text that is not too long; otherwise raise Refused."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable() or value != value.strip():
        raise Refused(
            f"Cannot use {shown(value)} as {what}; possible is text of at most {MAX_TEXT} printable characters"
        )
    size = len(json.dumps(value)) - 2
    if size > MAX_TEXT_BYTES:
        raise Refused(f"Cannot use {shown(value)} as {what}; possible are {MAX_TEXT_BYTES} bytes as JSON, not {size:,}")
    if required and not value:
        raise Refused(f"Cannot use an empty text as {what}; possible are 1 to {MAX_TEXT} printable characters")
    return value


def fields(value: object, shape: type, *optional: str) -> dict[str, Any]:
    """Return the fields of the JSON object `value` that `shape` knows; unknown ones are ignored."""
    names = list(shape.__annotations__)
    required = [name for name in names if name not in optional]
    if not isinstance(value, Mapping) or any(name not in value for name in required):
        raise Refused(f"Cannot read {shown(value)}; possible is an object with the fields {', '.join(names)}")
    return {name: value[name] for name in names if name in value}


def email(value: object) -> str:
    """Return `value` where earlier releases accepted it as an e-mail address; otherwise raise Refused.

    Workflows read by this rule, so that old histories replay; `loyalty.actor.addresses` then refuses the rest.
    """
    address = text(value, "an e-mail address", required=False)
    if address and not READABLE_ADDRESS.fullmatch(address):
        raise _no_address(address)
    return address


def exact_email(value: object) -> str:
    """Return `value` where mail to exactly that address can be sent, or where it is empty; otherwise raise Refused."""
    address = email(value)
    if address and (not ONE_ADDRESS.fullmatch(address) or "=?" in address):
        raise _no_address(address)
    return address


def _no_address(address: str) -> Refused:
    return Refused(f"Cannot use {shown(address)} as an e-mail address; possible is none at all, or name@host in ASCII")


def transaction_id(value: object) -> str:
    """Return `value` where it can be a transaction's id; otherwise raise Refused."""
    if not (
        isinstance(value, str) and value.isascii() and value.isprintable() and 0 < len(value.strip()) == len(value)
    ):
        raise Refused(
            f"Cannot use {shown(value)} as a transaction id; possible is printable ASCII text, such as a UUID"
        )
    if len(value) > MAX_TRANSACTION_ID:
        raise Refused(
            f"Cannot use {shown(value)} as a transaction id; possible are up to {MAX_TRANSACTION_ID} characters"
        )
    return value


def unknown_signal(name: str, signals: Sequence[str]) -> NoReturn:
    """Refuse a signal that is not among `signals`, the contract."""
    raise Refused(f"Cannot understand the signal {shown(name)}; possible are {', '.join(signals)}")
