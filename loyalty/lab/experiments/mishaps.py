"""What goes wrong at the coffee shop of the lab, because an order's notes ask for it. The program knows nothing of it.

Mishaps stand around the activities, as the SDK's interceptors: before one begins, in its middle, or after its work is
done and before the server hears of it.
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

EVER = 1_000_000
"""Attempts; no step has as many."""

SPILLED_AT_STEP = 4
"""Steaming the milk."""


@dataclass(frozen=True)
class Mishap:
    """`activity` fails, in its first `attempts`, with `message`; `final` failures are not tried again."""

    activity: str
    moment: Literal["before", "in the middle", "after"]
    attempts: int
    message: str
    final: bool = False


MISHAPS = {
    "decline the card": Mishap(PROCESS_PAYMENT, "before", EVER, "The bank declined the card", final=True),
    "lose the receipt": Mishap(PROCESS_PAYMENT, "after", 1, "The receipt was lost: nobody knows whether it was paid"),
    "lose every receipt": Mishap(
        PROCESS_PAYMENT, "after", EVER, "The receipt was lost: nobody knows whether it was paid"
    ),
    "spill the milk once": Mishap(PREPARE_BEVERAGE, "in the middle", 1, "The milk was spilled"),
    "spill the milk twice": Mishap(PREPARE_BEVERAGE, "in the middle", 2, "The milk was spilled"),
    "spill all the milk": Mishap(PREPARE_BEVERAGE, "in the middle", EVER, "The milk was spilled"),
    "lose the stock list": Mishap(UPDATE_INVENTORY, "before", EVER, "The stock list is lost"),
    "drop the tray": Mishap(UPDATE_INVENTORY, "after", EVER, "The tray was dropped, after the stock list was written"),
    "jam the till": Mishap(REFUND_PAYMENT, "before", EVER, "The till is jammed"),
    "jam the till twice": Mishap(REFUND_PAYMENT, "before", 2, "The till is jammed"),
}
"""By what the notes of an order say; several are separated by semicolons, and other notes are only notes."""


def planned(notes: str) -> list[Mishap]:
    """Return what an order's notes ask for."""
    return [MISHAPS[note] for one in notes.split(";") if (note := one.strip().lower()) in MISHAPS]


class Clumsy(Interceptor):
    """Lets happen what orders ask for."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Stand around each activity; called by the SDK."""
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
