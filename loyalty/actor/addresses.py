"""The check of e-mail addresses in a workflow. A run of an earlier release keeps the earlier rule.

Runs inside a workflow.
"""

from __future__ import annotations

from temporalio import workflow

from loyalty.actor import values
from loyalty.actor.refusals import Refused

EXACT_ADDRESSES = "exact-addresses"
"""Patch: an address that a mail header would change is refused. Only a run with such an address records the marker."""


def refuse_inexact(address: str) -> None:
    """Raise Refused if a mail header would change `address`. A run of an earlier release accepts such an address."""
    try:
        values.exact_email(address)
    except Refused:
        if workflow.patched(EXACT_ADDRESSES):
            raise
