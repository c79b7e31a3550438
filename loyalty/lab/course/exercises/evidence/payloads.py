"""Read values of any type from a history's payloads."""

from __future__ import annotations

import json
from typing import Any

from temporalio.api.common.v1 import Payload, Payloads


def values(payloads: Payloads) -> list[Any]:
    """Return one value per payload: a JSON value, bytes, or None for an unreadable payload."""
    return [_value(payload) for payload in payloads.payloads]


def first_object(payloads: Payloads) -> dict[str, Any]:
    """Return the first value if it is a JSON object; otherwise an empty dictionary."""
    value = next(iter(values(payloads)), None)
    return value if isinstance(value, dict) else {}


def _value(payload: Payload) -> Any:
    encoding = payload.metadata.get("encoding", b"")
    if encoding == b"binary/plain":
        return payload.data
    if encoding != b"json/plain":
        return None
    try:
        return json.loads(payload.data)
    except (ValueError, RecursionError):
        return None
