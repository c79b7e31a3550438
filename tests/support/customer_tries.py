"""Wrong tries of the exercises about customers: parts that several exercises share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias

from temporalio.client import WorkflowUpdateFailedError

from loyalty.household.messages import WORKFLOW_TYPE as HOUSEHOLD
from loyalty.lab import settled
from loyalty.messages import TASK_QUEUE, WORKFLOW_TYPE, workflow_id
from tests.support.helpers import Handle, Shop, at_once, eventually
from tests.support.tries import NAMES, WrongTry, titled

Make: TypeAlias = Callable[[Shop], Awaitable[Any]]

HUGE = 10**12


def nothing() -> Make:
    async def make(shop: Shop) -> None:
        pass

    return titled(make, "nothing")


def opened(name: str, *signals: Any, settings: dict[str, Any] | None = None, **fields: Any) -> Make:
    """Open an account and send addPoints signals. A tuple contains several arguments for one signal."""

    async def make(shop: Shop) -> Handle:
        customer = await shop.opens(name, settings=settings, **fields)
        for argument in signals:
            await customer.signal("addPoints", args=argument if isinstance(argument, tuple) else [argument])
        return customer

    given = [f"{field}={value!r}"[:30] for field, value in (fields | (settings or {})).items()]
    return titled(make, f"{name}({', '.join(given)}) {repr(signals)[:40]}")


def then(make: Make, title: str, deed: Callable[[Handle], Awaitable[Any]]) -> Make:
    """Make a try, wait until the customer is settled, and call the function `deed` with the customer."""

    async def both(shop: Shop) -> None:
        customer = await make(shop)
        await settled(customer)
        await deed(customer)

    return titled(both, f"{make.__name__} {title}")


def updated(make: Make, update: str, *arguments: Any) -> Make:
    """Make a try and send an update to the customer. The customer may refuse the update."""

    async def ask(customer: Handle) -> None:
        with suppress(WorkflowUpdateFailedError):
            await customer.execute_update(update, args=arguments)

    return then(make, f"{update} {repr(arguments)[:30]}", ask)


def signalled(make: Make, signal: str, *arguments: Any) -> Make:
    return then(make, f"{signal} {arguments!r}", lambda customer: customer.signal(signal, args=arguments))


def terminated(make: Make) -> Make:
    return then(make, "terminated", lambda customer: customer.terminate())


def closed(make: Make) -> Make:
    async def close(customer: Handle) -> None:
        await customer.signal("cancelAccount")
        await customer.result()

    return then(make, "closed", close)


def cancelled(make: Make) -> Make:
    async def cancel(customer: Handle) -> None:
        await customer.cancel()
        await eventually(
            customer.describe, lambda seen: seen.status.name == "CANCELED", waiting_for=f"{customer.id} to end"
        )

    return then(make, "cancelled", cancel)


async def send(customer: Handle, *arguments: list[Any]) -> None:
    """Send all these addPoints signals at once."""
    async with at_once() as group:
        for one in arguments:
            group.create_task(customer.signal("addPoints", args=one))


def wrong_starts(exercise: str) -> list[WrongTry[Shop]]:
    name = NAMES[exercise]

    def started(id: str, title: str, customer_id: str = name, **how: Any) -> Make:
        async def make(shop: Shop) -> None:
            how.setdefault("task_queue", TASK_QUEUE)
            kind = how.pop("kind", WORKFLOW_TYPE)
            start = how.pop("start", {"customer": {"customer_id": customer_id}})
            await shop.client.start_workflow(kind, start, id=id, **how)

        return titled(make, title)

    right = workflow_id(name)
    return [
        WrongTry(exercise, nothing(), f"there is no workflow with the id '{right}'"),
        WrongTry(exercise, started(name, "bare id"), f"no workflow with the id '{right}', but there is '{name}'"),
        WrongTry(
            exercise,
            started(workflow_id(name.title()), "capital letter", name.title()),
            f"no workflow with the id '{right}', but there is 'customer-{name.title()}'",
        ),
        WrongTry(
            exercise,
            started(right, "other queue", task_queue="default"),
            f"event 1 of {right} names the task queue 'default', but the worker that runs {WORKFLOW_TYPE} serves",
        ),
        WrongTry(
            exercise,
            started(right, "household", kind=HOUSEHOLD, start={"household": {"household_id": name}}),
            f"event 1 of {right} starts a HouseholdWorkflow, not a CustomerLoyaltyWorkflow",
        ),
        WrongTry(
            exercise,
            started(right, "another customer", "ada"),
            f"shows why the workflow failed: Cannot start this in the workflow '{right}'; expected 'customer-ada'",
        ),
        WrongTry(
            exercise,
            started(right, "text as input", start=name),
            f"shows why the workflow failed: Cannot read '{name}'; expected an object with the fields customer",
        ),
    ]
