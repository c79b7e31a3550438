"""Which e-mail addresses a workflow accepts: the exact rule, without breaking earlier runs. Runs inside a workflow."""

from __future__ import annotations

from temporalio import workflow

from loyalty.actor import values
from loyalty.actor.refusals import Refused

EXACT_ADDRESSES = "exact-addresses"
"""Patch: an address that mail headers would change is refused. Only runs that meet such an address ask for it."""


def refuse_inexact(address: str) -> None:
    """Raise Refused where mail would not arrive at exactly `address`; runs of earlier releases keep accepting it."""
    try:
        values.exact_email(address)
    except Refused:
        if workflow.patched(EXACT_ADDRESSES):
            raise
