"""A wrong argument of a lab's function raises a LabError with the possible values. No process starts."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy
import pytest

from loyalty.lab import Lab, LabError, settled, until
from loyalty.lab.arguments import NAME_LIMIT
from loyalty.lab.course.traffic import shop, storm
from loyalty.lab.errors import WaitedTooLong
from loyalty.lab.processes import worker
from tests.support.helpers import eventually
from tests.support.jupyterlab import descendants
from tests.support.processes import gone

SECONDS = "a number of seconds, more than 0"
SWITCH = "True or False"

WRONG_STARTS: list[tuple[dict[str, Any], str]] = [
    *(
        ({"patience": patience}, f"Cannot use patience={patience!r}: patience must be {SECONDS}")
        for patience in (-1, 0, math.nan, math.inf, "5", None, True)
    ),
    ({"worker": "yes"}, f"Cannot use worker='yes': worker must be {SWITCH}"),
    ({"own_server": 1}, f"Cannot use own_server=1: own_server must be {SWITCH}"),
    ({"name": ""}, "Cannot use name='': name must be a string, such as 'my-lab'"),
    ({"name": 5}, "Cannot use name=5: name must be a string, such as 'my-lab'"),
    ({"name": "x" * 101}, f"Cannot use a name of 101 characters: at most {NAME_LIMIT} are possible"),
    ({"database": ""}, "Cannot use database='': database must be a string, such as 'temporal.db'"),
    ({"database": 5}, "Cannot use database=5: database must be a string, such as 'temporal.db'"),
    ({"limits": "many"}, "Cannot use limits='many': limits must be a dictionary, such as "),
    ({"limits": {"a": {1}}}, "Cannot use limits={'a': {1}}: limits must be a dictionary, such as "),
    ({"port": "7233"}, "Cannot start a server on port '7233': port must be a whole number from 1 to 65535, or None"),
    ({"port": -1}, "Cannot start a server on port -1: port must be a whole number from 1 to 65535, or None"),
]


@pytest.mark.parametrize(("asked", "sentence"), WRONG_STARTS, ids=lambda value: str(value)[:40])
async def test_lab_is_not_started_if_an_argument_is_wrong(
    in_session: None, asked: dict[str, Any], sentence: str
) -> None:
    before = set(descendants(os.getpid()))
    with pytest.raises(LabError) as refusal:
        await Lab.start(**asked)
    assert str(refusal.value).startswith(sentence)
    assert {pid for pid in descendants(os.getpid()) if pid not in before and not gone(pid)} == set()


async def test_database_file_is_refused_if_it_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=f"Cannot use the database file {tmp_path} "):
        await Lab.start(database=tmp_path)


@pytest.mark.slow
async def test_relative_database_path_works_after_a_change_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    async with await Lab.start("two words", database="temporal.db", worker=False) as lab:
        assert lab.namespace.startswith("two-words-")
        await lab.server.stop()
        monkeypatch.chdir(tmp_path / "elsewhere")
        await lab.server.start()
    assert os.listdir(tmp_path / "elsewhere") == [], "The server must use the same file again"


@pytest.fixture(scope="module")
async def lab(server: Any) -> AsyncIterator[Lab]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOYALTY_LAB_ADDRESS", server.client.service_client.config.target_host)
        patch.setenv("LOYALTY_LAB_UI_PORT", "1")
        async with await Lab.start("arguments", worker=False) as lab:
            yield lab


WAIT_SECONDS = "a number of seconds, 0 or more"
WRONG_CALLS: dict[str, tuple[Any, str]] = {
    "module": (lambda lab: lab.new_worker(5), "Cannot use module=5: module must be a string, such as 'loyalty.worker'"),
    "task queue": (
        lambda lab: lab.new_worker("loyalty.worker", ""),
        "Cannot use task_queue='': task_queue must be a string, such as 'customer-loyalty'",
    ),
    "link": (lambda lab: lab.web_ui(5), "Cannot use customer=5: customer must be a string, such as 'customer-ada'"),
    "condition": (lambda _: until(True, "it is so"), "Cannot use condition=True: condition must be a function"),  # type: ignore[arg-type]
    "coroutine": (
        lambda lab: until(lab.inbox.wait_for(1), "mail is there"),
        "Cannot use condition=<coroutine object Inbox.wait_for at ",
    ),
    "what": (lambda _: until(lambda: True, ""), "Cannot use what='': what must be a string"),
    "timeout": (
        lambda _: until(lambda: True, "it is so", timeout=math.nan),
        f"Cannot use timeout=nan: timeout must be {WAIT_SECONDS}",
    ),
    "settled": (lambda _: settled("customer-ada"), "Cannot wait until 'customer-ada' is settled: give a workflow's"),  # type: ignore[arg-type]
    "count of mail": (
        lambda lab: lab.inbox.wait_for("ada@example.com"),
        "Cannot use count='ada@example.com': count must be a whole number, 0 or more",
    ),
    "address": (
        lambda lab: lab.inbox.wait_for(1, to=5),
        "Cannot use to=5: to must be a string, such as 'ada@example.com'",
    ),
    "senders": (
        lambda lab: storm(customer(lab), senders=0, seconds=1),
        "Cannot use senders=0: senders must be a whole number, 1 or more",
    ),
    "seconds": (
        lambda lab: storm(customer(lab), seconds=-1),
        f"Cannot use seconds=-1: seconds must be {WAIT_SECONDS}",
    ),
    "endless storm": (
        lambda lab: storm(customer(lab)),
        "Cannot storm forever: give `seconds`, `purchases` or `until_refused=True`",
    ),
    "purchases": (
        lambda lab: shop(customer(lab), lab.inbox, "ada@example.com", purchases=-1),
        "Cannot use purchases=-1: purchases must be a whole number, 0 or more",
    ),
    "shopper's address": (
        lambda lab: shop(customer(lab), lab.inbox, None, purchases=1),  # type: ignore[arg-type]
        "Cannot use email=None: email must be a string, such as 'ada@example.com'",
    ),
}


def customer(lab: Lab) -> Any:
    return lab.client.get_workflow_handle("customer-ada")


@pytest.mark.parametrize("name", WRONG_CALLS)
async def test_functions_of_the_lab_refuse_wrong_arguments(lab: Lab, name: str) -> None:
    call, sentence = WRONG_CALLS[name]

    async def make() -> None:
        await call(lab)

    with pytest.raises(LabError) as refusal:
        await make()
    assert str(refusal.value).startswith(sentence)


async def test_worker_is_stopped_if_it_serves_no_task_queue(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "START_TIMEOUT_SECONDS", 0.5)
    before = set(descendants(os.getpid()))
    with pytest.raises(WaitedTooLong, match="serves its task queue, but this did not happen: it runs"):
        lab.new_worker("http.server", "0")

    def started() -> set[int]:
        return {pid for pid in descendants(os.getpid()) if pid not in before and not gone(pid)}

    await eventually(started, lambda left: not left, waiting_for="the process to end")


async def test_timeout_of_a_wait_can_be_a_numpy_number(lab: Lab) -> None:
    await lab.inbox.wait_for(numpy.int64(0), timeout=numpy.float64(1))  # type: ignore[arg-type]
