"""Checks of the exercises; each check reads event histories and returns "Done: ..." or "Not yet: ..."."""

from __future__ import annotations

from temporalio.client import Client
from temporalio.service import RPCError

from loyalty.lab.client.call_errors import names_lost_namespace
from loyalty.lab.course.exercises import customers, orders
from loyalty.lab.course.exercises.not_yet import NotYet
from loyalty.lab.errors import LabError

EXERCISES = customers.EXERCISES | orders.EXERCISES

__all__ = ["EXERCISES", "check"]


async def check(name: str, client: Client) -> str:
    """Return "Done: ..." or "Not yet: ..." for the exercise `name`; raise ValueError for an unknown name."""
    if name not in EXERCISES:
        raise ValueError(f"Cannot check {name!r}; exercises are {', '.join(EXERCISES)}")
    try:
        return f"Done: {await EXERCISES[name](client)}"
    except NotYet as hint:
        return f"Not yet: {hint}"
    except LabError as error:  # its text names the problem and the next step
        return f"Not yet: {error}. Then run this cell again"
    except RPCError as error:
        if names_lost_namespace(error):
            return (
                f"Not yet: the server has no namespace {client.namespace!r}. "
                "Call this check with lab.client, the client of a running lab"
            )
        return (
            f"Not yet: the server did not answer this check ({error.message}). "
            "Start the server if you stopped it, then run this cell again"
        )
