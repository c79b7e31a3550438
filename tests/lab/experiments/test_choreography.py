"""The coffee shop as a choreography must be as correct as the saga."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.worker import Replayer

from loyalty.coffee import menu
from loyalty.coffee.messages import Item, Order
from loyalty.coffee.store import Store
from loyalty.coffee.worker import build_worker as build_coffee_worker
from loyalty.lab.experiments.choreography import messages, service
from loyalty.lab.experiments.choreography.messages import ORDER_PLACED, SERVICES, TASK_QUEUE, ServiceInput, Told
from loyalty.lab.experiments.choreography.worker import WORKFLOWS
from loyalty.lab.experiments.mishaps import MishapInterceptor
from loyalty.worker import build_worker
from tests.support.coffee import DELIVERED, CoffeeShop, sqlite_url
from tests.support.helpers import PATIENCE_SECONDS, Handle, eventually, runs

pytestmark = pytest.mark.slow

PRICE = menu.total([menu.item("latte")])


class FourServices:
    """The four services in one namespace, and the shop's database."""

    def __init__(self, shop: CoffeeShop, handles: list[Handle]) -> None:
        self.shop, self.handles = shop, handles

    async def signal(self, service: str, event: str, order_id: str, notes: str = "", item: Item | None = None) -> None:
        order = Order(order_id, "ada", [item or menu.item("latte")], notes, email=f"{order_id}@example.org")
        await self.shop.client.get_workflow_handle(service).signal("told", Told(event, order))

    async def place(self, order_id: str, notes: str = "") -> None:
        await self.signal(messages.PAYMENTS, ORDER_PLACED, order_id, notes)

    async def news(self, order_id: str) -> str:
        """Wait for the e-mail about the order's result, and return its subject."""
        mails = await eventually(
            lambda: [subject for subject in self.shop.mails.to(f"{order_id}@example.org") if "order" in subject],
            waiting_for=f"an e-mail about order {order_id}",
            timeout=120,
        )
        return str(mails[0])


@pytest.fixture
async def services(client: Client, tmp_path: Path) -> AsyncIterator[FourServices]:
    shop = CoffeeShop(client, sqlite_url(tmp_path))
    worker = build_coffee_worker(
        client,
        shop.mails,
        shop.store,
        task_queue=TASK_QUEUE,
        workflows=WORKFLOWS,
        step_seconds=0.02,
        interceptors=[MishapInterceptor()],
    )
    async with worker, build_worker(client, shop.mails):
        handles: list[Any] = [
            await client.start_workflow(
                workflow.run,  # type: ignore[attr-defined]  # every service has the method `run`
                ServiceInput(history_threshold=200),
                id=name,
                task_queue=TASK_QUEUE,
            )
            for name, workflow in zip(SERVICES, WORKFLOWS, strict=True)
        ]
        yield FourServices(shop, handles)


async def test_order_in_the_choreography_completes_and_earns_points(services: FourServices) -> None:
    await services.place("7")
    assert await services.news("7") == "Your order 7 is ready"
    assert services.shop.check_books()["money"] == PRICE
    assert services.shop.in_stock("latte") == DELIVERED - 1
    await eventually(
        lambda: services.shop.points("ada"),
        lambda points: points == menu.points_for(PRICE),
        waiting_for="Ada's points, which the counter sends after its e-mail",
    )


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (Item("latte", -2, PRICE), "Cannot make -2 of latte; expected a whole number from 1 to 100"),
        (Item("tea", 1, 100), "Cannot sell 'tea'; expected "),
    ],
)
async def test_choreography_takes_no_payment_for_an_invalid_order(
    services: FourServices, item: Item, sentence: str
) -> None:
    await services.signal(messages.PAYMENTS, ORDER_PLACED, "7", item=item)
    assert await services.news("7") == "Your order 7 was refunded"
    (mail,) = services.shop.mails.received
    assert sentence in mail.get_content()
    assert services.shop.check_books()["money"] == 0
    assert not services.shop.ask_books("SELECT * FROM payments")


async def test_the_choreography_refunds_failed_orders(services: FourServices) -> None:
    troubles = ["decline the card", "lose every receipt", "spill all the milk", "lose the stock list", "drop the tray"]
    await asyncio.gather(*(services.place(f"n{n}", notes) for n, notes in enumerate(troubles)))
    for n, notes in enumerate(troubles):
        assert await services.news(f"n{n}") == f"Your order n{n} was refunded", notes
        assert services.shop.money(f"n{n}") == 0, notes
    assert services.shop.check_books()["money"] == 0
    assert services.shop.in_stock("latte") == DELIVERED


@pytest.mark.parametrize("before_it_is_placed", [True, False])
async def test_order_is_refunded_if_the_baristas_receive_a_cancellation(
    services: FourServices, before_it_is_placed: bool
) -> None:
    if before_it_is_placed:
        await services.signal(messages.BARISTAS, messages.CANCEL_ORDER, "7")
        await services.place("7")
    else:
        await services.place("7", "spill all the milk")
        await services.signal(messages.BARISTAS, messages.CANCEL_ORDER, "7")
    assert await services.news("7") == "Your order 7 was refunded"
    assert services.shop.check_books()["money"] == 0


async def test_a_signal_is_sent_again_until_the_other_service_runs(services: FourServices) -> None:
    stock = services.handles[2]
    await stock.terminate()
    await services.place("7")
    await eventually(
        lambda: services.handles[1].fetch_history(),
        lambda history: any(
            event.HasField("signal_external_workflow_execution_failed_event_attributes") for event in history.events
        ),
        waiting_for="a failed signal from the baristas to the stock service",
    )
    await services.shop.client.start_workflow("StockService", ServiceInput(), id=stock.id, task_queue=TASK_QUEUE)
    assert await services.news("7") == "Your order 7 is ready"


async def test_a_service_continues_as_new_while_one_order_is_stuck(
    services: FourServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "FINISHING", timedelta(seconds=1))
    payments = services.handles[0]
    before = (await payments.describe()).run_id
    await services.place("stuck", "decline the card; jam the till")
    await asyncio.gather(*(services.place(f"n{n}") for n in range(40)))
    await eventually(
        lambda: payments.describe(), lambda now: now.run_id != before, waiting_for="a new run of the payment service"
    )
    await services.place("late")
    assert await services.news("late") == "Your order late is ready"
    for n in range(40):
        assert await services.news(f"n{n}") == f"Your order n{n} is ready"

    async def pending() -> list[str]:
        return [one.activity_type.name for one in (await payments.describe()).raw_description.pending_activities]

    await eventually(
        pending, lambda names: names == ["refundPayment"], waiting_for="the refund of the stuck order in the new run"
    )


async def test_no_order_is_lost_when_the_services_continue_as_new(services: FourServices) -> None:
    notes = ["", "", "spill the milk once", "drop the tray"]
    await asyncio.gather(*(services.place(f"n{n}", notes[n % 4]) for n in range(60)))
    news = await asyncio.gather(*(services.news(f"n{n}") for n in range(60)))
    ready = sum("is ready" in subject for subject in news)
    assert ready == 45
    assert services.shop.check_books()["money"] == ready * PRICE
    payments = await runs(services.handles[0], services.shop.client)
    assert len(payments) > 1, "the history is longer than the threshold"
    replayer = Replayer(workflows=WORKFLOWS)
    for actor in services.handles:
        for run in await runs(actor, services.shop.client):
            await replayer.replay_workflow(await run.fetch_history())


async def test_the_next_run_of_the_barista_service_knows_the_cancelled_orders(services: FourServices) -> None:
    baristas = services.handles[1]
    before = (await baristas.describe()).run_id
    await services.signal(messages.BARISTAS, messages.CANCEL_ORDER, "7")
    await asyncio.gather(*(services.signal(messages.BARISTAS, "nothing", f"n{n}") for n in range(200)))
    await eventually(lambda: baristas.describe(), lambda now: now.run_id != before, waiting_for="a new run")
    await services.place("7")
    assert await services.news("7") == "Your order 7 was refunded"


async def test_a_cancellation_interrupts_the_preparation(
    services: FourServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, cancelled = Store.note_preparation, threading.Event()

    def note_and_wait(*args: Any) -> None:
        note(*args)
        cancelled.wait(PATIENCE_SECONDS)

    monkeypatch.setattr(Store, "note_preparation", note_and_wait)
    await services.place("7")
    await eventually(lambda: services.shop.ask_books("SELECT * FROM preparations"), waiting_for="the first step")
    await services.signal(messages.BARISTAS, messages.CANCEL_ORDER, "7")
    await services.news("7")
    cancelled.set()
    (mail,) = [one for one in services.shop.mails.received if "order" in one["Subject"]]
    assert "The reason: cancelled." in mail.get_content()
    assert services.shop.ask_books("SELECT step, attempt FROM preparations") == [{"step": 1, "attempt": 1}]
