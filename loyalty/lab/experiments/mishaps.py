"""Mishaps for the lab's coffee shop. The notes of an order can contain names of mishaps.

The shop's own code contains no mishap. An interceptor raises an error before, during or after the work of an activity.
If the interceptor raises an error after the activity, the activity has changed the database, but the server gets no
result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from loyalty.coffee.messages import (
    PREPARE_BEVERAGE,
    PROCESS_PAYMENT,
    REFUND_PAYMENT,
    UPDATE_INVENTORY,
    Charge,
    Refund,
    Ticket,
)

ALL_ATTEMPTS = 1_000_000
"""More attempts than any activity has."""

SPILLED_AT_STEP = 4
"""The number of the step "steam the milk"."""


@dataclass(frozen=True)
class Mishap:
    """One mishap: the first attempts of an activity raise an error.

    If `final` is true, the server does not retry the activity.
    """

    activity: str
    moment: Literal["before", "in the middle", "after"]
    attempts: int
    message: str
    final: bool = False


MISHAPS = {
    "decline the card": Mishap(PROCESS_PAYMENT, "before", ALL_ATTEMPTS, "The bank declined the card", final=True),
    "lose the receipt": Mishap(
        PROCESS_PAYMENT, "after", 1, "The receipt was lost: the result of the payment is unknown"
    ),
    "lose every receipt": Mishap(
        PROCESS_PAYMENT, "after", ALL_ATTEMPTS, "The receipt was lost: the result of the payment is unknown"
    ),
    "spill the milk once": Mishap(PREPARE_BEVERAGE, "in the middle", 1, "The milk was spilled"),
    "spill the milk twice": Mishap(PREPARE_BEVERAGE, "in the middle", 2, "The milk was spilled"),
    "spill all the milk": Mishap(PREPARE_BEVERAGE, "in the middle", ALL_ATTEMPTS, "The milk was spilled"),
    "lose the stock list": Mishap(UPDATE_INVENTORY, "before", ALL_ATTEMPTS, "The stock list is lost"),
    "drop the tray": Mishap(
        UPDATE_INVENTORY, "after", ALL_ATTEMPTS, "The tray was dropped, after the stock list was written"
    ),
    "jam the till": Mishap(REFUND_PAYMENT, "before", ALL_ATTEMPTS, "The till is jammed"),
    "jam the till twice": Mishap(REFUND_PAYMENT, "before", 2, "The till is jammed"),
}
"""The mishaps and their names. In an order's notes, semicolons separate the names. Other notes have no effect."""


def planned(notes: str) -> list[Mishap]:
    """Return the mishaps whose names are in the notes."""
    return [MISHAPS[note] for one in notes.split(";") if (note := one.strip().lower()) in MISHAPS]


class MishapInterceptor(Interceptor):
    """Reads the planned mishaps in the notes of an order, and raises their errors."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap an activity; the SDK calls this method."""
        return _Inbound(next)


class _Inbound(ActivityInboundInterceptor):
    mishaps: list[Mishap]

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        self.mishaps = []
        super().init(_Outbound(outbound, self))

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        self.mishaps = [
            mishap
            for mishap in planned(_notes(input.args[0]))
            if mishap.activity == info.activity_type and info.attempt <= mishap.attempts
        ]
        self.happen("before")
        result = await super().execute_activity(input)
        self.happen("after")
        return result

    def happen(self, moment: str) -> None:
        for mishap in self.mishaps:
            if mishap.moment == moment:
                raise ApplicationError(mishap.message, type="Mishap", non_retryable=mishap.final)


class _Outbound(ActivityOutboundInterceptor):
    def __init__(self, next: ActivityOutboundInterceptor, inbound: _Inbound) -> None:
        super().__init__(next)
        self._inbound = inbound

    def heartbeat(self, *details: Any) -> None:
        if details[0] >= SPILLED_AT_STEP:
            self._inbound.happen("in the middle")
        super().heartbeat(*details)


def _notes(argument: object) -> str:
    return argument.order.notes if isinstance(argument, (Ticket, Charge, Refund)) else ""
