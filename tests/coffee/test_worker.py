"""The worker process `python -m loyalty.worker coffee-shop`: its settings, and a kill in the middle of an order."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from temporalio.client import WorkflowHandle

from loyalty.coffee import menu
from loyalty.coffee.messages import TASK_QUEUE, Order, OrderReport, OrderStatus, order_workflow_id
from loyalty.coffee.store import Store
from loyalty.coffee.workflow import CoffeeOrderWorkflow
from loyalty.lab import Lab, until
from loyalty.lab.processes.ports import ReservedPort
from loyalty.lab.processes.worker import WorkerProcess
from tests.support.coffee import DELIVERED

pytestmark = pytest.mark.slow


@pytest.fixture
async def lab(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lab]:
    monkeypatch.setenv("LOYALTY_BARISTA_SECONDS", "1")
    async with await Lab.start("coffee", own_server=True) as lab:
        yield lab


def rows(lab: Lab, query: str) -> list[tuple[object, ...]]:
    engine = create_engine(lab.database_url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    return found


async def order_a_latte(lab: Lab) -> WorkflowHandle[CoffeeOrderWorkflow, OrderReport]:
    """Deliver lattes and start an order. A worker must create the tables before this call."""
    store = Store(lab.database_url)
    store.deliver("monday", {"latte": DELIVERED})
    store.close()
    order = Order("7", "ada", [menu.item("latte")])
    return await lab.client.start_workflow(
        CoffeeOrderWorkflow.run, order, id=order_workflow_id("7"), task_queue=TASK_QUEUE
    )


async def test_a_new_worker_continues_the_preparation_after_the_first_worker_is_killed(lab: Lab) -> None:
    shop = lab.new_worker("loyalty.lab.experiments.clumsy_shop")
    order = await order_a_latte(lab)

    async def has_three_steps() -> bool:
        pending = (await order.describe()).raw_description.pending_activities
        return any(one.heartbeat_details.payloads and one.heartbeat_details.payloads[0].data == b"3" for one in pending)

    await until(has_three_steps, "the barista has done three of five steps")
    first = shop.pid
    assert first is not None
    shop.kill()
    shop.start()
    report: OrderReport = await order.result()
    assert report.status is OrderStatus.COMPLETED
    done = rows(lab, "SELECT step, attempt, worker FROM preparations ORDER BY attempt, step")
    assert [step for step, *_ in done] == [1, 2, 3, 4, 5], "each step is done once"
    baristas = [int(str(worker).split("@")[0]) for *_, worker in done]
    by_first = baristas.count(first)
    assert by_first >= 3, "the first worker has done at least three steps before the kill"
    assert baristas == [first] * by_first + [shop.pid] * (5 - by_first)
    assert by_first < 5, "the kill came after the last step, so this run proves nothing"


def worker(*queues: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loyalty.worker", *queues], env=environment, capture_output=True, text=True, timeout=30
    )


def test_error_for_an_unknown_task_queue_contains_the_known_task_queues() -> None:
    ended = worker("tea-room")
    assert (ended.returncode, ended.stderr) == (
        1,
        "Cannot serve tea-room; expected customer-loyalty, coffee-shop\n",
    )


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"LOYALTY_DATABASE_URL": "nonsense"}, "Cannot use the database that LOYALTY_DATABASE_URL names"),
        ({"LOYALTY_DATABASE_URL": "sqlite:////no/such/folder/shop.db"}, "unable to open database file"),
        ({"LOYALTY_DATABASE_URL": "oracle://host/shop"}, "Cannot use the database"),
        ({"LOYALTY_DATABASE_URL": "sqlite://"}, "a database in memory is lost"),
        ({"LOYALTY_DATABASE_URL": "postgresql+psycopg://shop:pw@host:abc/shop"}, "Cannot use the database"),
        (
            {"LOYALTY_BARISTA_SECONDS": "soon"},
            "Cannot use LOYALTY_BARISTA_SECONDS='soon'; expected a number of seconds",
        ),
        ({"LOYALTY_BARISTA_SECONDS": "-1"}, "Cannot use LOYALTY_BARISTA_SECONDS='-1'"),
    ],
)
async def test_worker_stops_with_an_error_if_a_setting_is_invalid(
    lab: Lab, settings: dict[str, str], sentence: str
) -> None:
    ended = worker("coffee-shop", **{**lab.environment, **settings})
    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_error_about_an_unreachable_database_contains_no_password(lab: Lab) -> None:
    url = f"postgresql+psycopg://shop:very-secret@127.0.0.1:{ReservedPort().number}/shop"
    ended = worker("coffee-shop", **{**lab.environment, "LOYALTY_DATABASE_URL": url})
    assert ended.returncode == 1
    assert "Cannot use the database" in ended.stderr
    assert "very-secret" not in ended.stdout + ended.stderr


async def test_one_worker_process_serves_both_task_queues(lab: Lab, tmp_path: Path) -> None:
    lab.worker.stop()
    both = WorkerProcess(lab.environment, tmp_path, "loyalty.worker", "customer-loyalty", "coffee-shop")
    both.start()
    try:
        report = await (await order_a_latte(lab)).result()
        assert report.points == 4
        ada = await lab.client.get_workflow_handle("customer-ada").query("getStatus")
        assert ada["points"] == 4
    finally:
        both.kill()
