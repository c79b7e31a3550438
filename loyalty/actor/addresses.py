"""The check of e-mail addresses in a workflow. A run of an earlier release uses the rule of that release.

Runs inside a workflow.
"""

from __future__ import annotations

from temporalio import workflow

from loyalty.actor import values
from loyalty.actor.refusals import Refused

EXACT_ADDRESSES = "exact-addresses"
"""Patch: an address that a mail header would change is refused. Only a run with such an address records the marker."""


def refuse_inexact(address: str) -> None:
    """Raise Refused if a mail header cannot contain `address` unchanged.

    A run that an earlier release started does not make this check.
    """
    try:
        values.exact_email(address)
    except Refused:
        if workflow.patched(EXACT_ADDRESSES):
            raise
