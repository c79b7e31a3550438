"""Errors of the lab's client, with texts for the learner.

Most of these errors are subclasses of RPCError, so `except RPCError` catches them, too.
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
    """The lab's namespace does not exist any more."""

    def __init__(self, sentence: str, error: RPCError) -> None:
        RPCError.__init__(self, sentence, error.status, error.raw_grpc_status)


class Unanswered(WaitedTooLong, RPCError):
    """The server ended a call, because no worker answered before the timeout."""

    def __init__(self, sentence: str, error: RPCError) -> None:
        RPCError.__init__(self, sentence, error.status, error.raw_grpc_status)


class LabWasStopped(LabError):
    """The lab of this client was stopped."""


def names_lost_namespace(error: RPCError) -> bool:
    """Return whether a call failed because the namespace does not exist or is being deleted."""
    kinds = (NamespaceNotFoundFailure.DESCRIPTOR, NamespaceInvalidStateFailure.DESCRIPTOR)
    return any(detail.Is(kind) for detail in error.grpc_status.details for kind in kinds)
