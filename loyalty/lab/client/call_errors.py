"""Errors of calls that the lab's client ends with a sentence of its own.

Each is an RPCError, too: code that handles the SDK's error, as a program in production does, handles these as well.
"""

from __future__ import annotations

from temporalio.api.errordetails.v1 import NamespaceInvalidStateFailure, NamespaceNotFoundFailure
from temporalio.service import RPCError, RPCStatusCode

from loyalty.lab.errors import LabError, WaitedTooLong


class ServerIsGone(LabError, RPCError):
    """No Temporal server answers at the lab's address."""

    def __init__(self, sentence: str) -> None:
        RPCError.__init__(self, sentence, RPCStatusCode.UNAVAILABLE, b"")


class NamespaceIsGone(LabError, RPCError):
    """The server does not know the lab's namespace any more."""

    def __init__(self, sentence: str, error: RPCError) -> None:
        RPCError.__init__(self, sentence, error.status, error.raw_grpc_status)


class Unanswered(WaitedTooLong, RPCError):
    """The server ended a call because no worker answered it in time."""

    def __init__(self, sentence: str, error: RPCError) -> None:
        RPCError.__init__(self, sentence, error.status, error.raw_grpc_status)


class LabWasStopped(LabError):
    """The call belongs to a lab that was stopped, and to its namespace."""


def names_lost_namespace(error: RPCError) -> bool:
    """Return whether the server refused a call because the namespace does not exist, or is being deleted."""
    kinds = (NamespaceNotFoundFailure.DESCRIPTOR, NamespaceInvalidStateFailure.DESCRIPTOR)
    return any(detail.Is(kind) for detail in error.grpc_status.details for kind in kinds)
