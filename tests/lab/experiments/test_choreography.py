"""The coffee shop as a choreography: slower to understand than the saga, and no less right."""

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


class Dance:
    """The four services in one namespace."""

    def __init__(self, shop: CoffeeShop, services: list[Handle]) -> None:
        self.shop, self.services = shop, services

    async def hears(self, service: str, event: str, order_id: str, notes: str = "", item: Item | None = None) -> None:
        order = Order(order_id, "ada", [item or menu.item("latte")], notes, email=f"{order_id}@example.org")
        await self.shop.client.get_workflow_handle(service).signal("told", Told(event, order))

    async def places(self, order_id: str, notes: str = "") -> None:
        await self.hears(messages.PAYMENTS, ORDER_PLACED, order_id, notes)

    async def tells(self, order_id: str) -> str:
        """Return the subject of the mail that tells what became of the order."""
        mails = await eventually(
            lambda: [subject for subject in self.shop.mails.to(f"{order_id}@example.org") if "order" in subject],
            waiting_for=f"news of order {order_id}",
            timeout=120,
        )
        return str(mails[0])


@pytest.fixture
async def dance(client: Client, tmp_path: Path) -> AsyncIterator[Dance]:
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
        services: list[Any] = [
            await client.start_workflow(
                workflow.run,  # type: ignore[attr-defined]  # every service has one
                ServiceInput(history_threshold=200),
                id=name,
                task_queue=TASK_QUEUE,
            )
            for name, workflow in zip(SERVICES, WORKFLOWS, strict=True)
        ]
        yield Dance(shop, services)


async def test_an_order_goes_from_service_to_service(dance: Dance) -> None:
    await dance.places("7")
    assert await dance.tells("7") == "Your order 7 is ready"
    assert dance.shop.check_books()["money"] == PRICE
    assert dance.shop.in_stock("latte") == DELIVERED - 1
    await eventually(
        lambda: dance.shop.points("ada"),
        lambda points: points == menu.points_for(PRICE),
        waiting_for="the counter, which notifies first, to tell Ada's actor of the points",
    )


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (Item("latte", -2, PRICE), "Cannot make -2 of latte; possible is a whole number from 1 to 100"),
        (Item("tea", 1, 100), "Cannot sell 'tea'; possible are "),
    ],
)
async def test_an_order_that_cannot_be_made_is_never_paid(dance: Dance, item: Item, sentence: str) -> None:
    await dance.hears(messages.PAYMENTS, ORDER_PLACED, "7", item=item)
    assert await dance.tells("7") == "Your order 7 was refunded"
    (mail,) = dance.shop.mails.received
    assert sentence in mail.get_content()
    assert dance.shop.check_books()["money"] == 0
    assert not dance.shop.ask_books("SELECT * FROM payments")


async def test_what_fails_is_undone_backwards(dance: Dance) -> None:
    troubles = ["decline the card", "lose every receipt", "spill all the milk", "lose the stock list", "drop the tray"]
    await asyncio.gather(*(dance.places(f"n{n}", notes) for n, notes in enumerate(troubles)))
    for n, notes in enumerate(troubles):
        assert await dance.tells(f"n{n}") == f"Your order n{n} was refunded", notes
        assert dance.shop.money(f"n{n}") == 0, notes
    assert dance.shop.check_books()["money"] == 0
    assert dance.shop.in_stock("latte") == DELIVERED


@pytest.mark.parametrize("before_it_is_placed", [True, False])
async def test_an_order_is_cancelled_by_telling_the_baristas(dance: Dance, before_it_is_placed: bool) -> None:
    if before_it_is_placed:
        await dance.hears(messages.BARISTAS, messages.CANCEL_ORDER, "7")
        await dance.places("7")
    else:
        await dance.places("7", "spill all the milk")
        await dance.hears(messages.BARISTAS, messages.CANCEL_ORDER, "7")
    assert await dance.tells("7") == "Your order 7 was refunded"
    assert dance.shop.check_books()["money"] == 0


async def test_a_service_that_is_not_there_is_told_when_it_is(dance: Dance) -> None:
    stock = dance.services[2]
    await stock.terminate()
    await dance.places("7")
    await eventually(
        lambda: dance.services[1].fetch_history(),
        lambda history: any(
            event.HasField("signal_external_workflow_execution_failed_event_attributes") for event in history.events
        ),
        waiting_for="the baristas to find nobody at the stock",
    )
    await dance.shop.client.start_workflow("StockService", ServiceInput(), id=stock.id, task_queue=TASK_QUEUE)
    assert await dance.tells("7") == "Your order 7 is ready"


async def test_a_stuck_order_does_not_keep_a_service_from_a_new_run(
    dance: Dance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "FINISHING", timedelta(seconds=1))
    payments = dance.services[0]
    before = (await payments.describe()).run_id
    await dance.places("stuck", "decline the card; jam the till")
    await asyncio.gather(*(dance.places(f"n{n}") for n in range(40)))
    await eventually(
        lambda: payments.describe(), lambda now: now.run_id != before, waiting_for="a new run of the payments"
    )
    await dance.places("late")
    assert await dance.tells("late") == "Your order late is ready"
    for n in range(40):
        assert await dance.tells(f"n{n}") == f"Your order n{n} is ready"

    async def pending() -> list[str]:
        return [one.activity_type.name for one in (await payments.describe()).raw_description.pending_activities]

    await eventually(pending, lambda names: names == ["refundPayment"], waiting_for="the stuck order to come along")


async def test_services_continue_as_new_and_lose_nothing(dance: Dance) -> None:
    notes = ["", "", "spill the milk once", "drop the tray"]
    await asyncio.gather(*(dance.places(f"n{n}", notes[n % 4]) for n in range(60)))
    news = await asyncio.gather(*(dance.tells(f"n{n}") for n in range(60)))
    ready = sum("is ready" in subject for subject in news)
    assert ready == 45
    assert dance.shop.check_books()["money"] == ready * PRICE
    payments = await runs(dance.services[0], dance.shop.client)
    assert len(payments) > 1, "the threshold was crossed"
    replayer = Replayer(workflows=WORKFLOWS)
    for actor in dance.services:
        for run in await runs(actor, dance.shop.client):
            await replayer.replay_workflow(await run.fetch_history())


async def test_the_baristas_remember_a_wish_in_their_next_run(dance: Dance) -> None:
    baristas = dance.services[1]
    before = (await baristas.describe()).run_id
    await dance.hears(messages.BARISTAS, messages.CANCEL_ORDER, "7")
    await asyncio.gather(*(dance.hears(messages.BARISTAS, "nothing", f"n{n}") for n in range(200)))
    await eventually(lambda: baristas.describe(), lambda now: now.run_id != before, waiting_for="a new run")
    await dance.places("7")
    assert await dance.tells("7") == "Your order 7 was refunded"


async def test_a_barista_who_hears_of_a_cancellation_stops(dance: Dance, monkeypatch: pytest.MonkeyPatch) -> None:
    note, heard = Store.note_preparation, threading.Event()

    def takes_a_break(*args: Any) -> None:
        note(*args)
        heard.wait(PATIENCE_SECONDS)

    monkeypatch.setattr(Store, "note_preparation", takes_a_break)
    await dance.places("7")
    await eventually(lambda: dance.shop.ask_books("SELECT * FROM preparations"), waiting_for="the first step")
    await dance.hears(messages.BARISTAS, messages.CANCEL_ORDER, "7")
    await dance.tells("7")
    heard.set()
    (mail,) = [one for one in dance.shop.mails.received if "order" in one["Subject"]]
    assert "The reason: cancelled." in mail.get_content()
    assert dance.shop.ask_books("SELECT step, attempt FROM preparations") == [{"step": 1, "attempt": 1}]
