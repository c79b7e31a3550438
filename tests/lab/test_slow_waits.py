"""A long wait prints a hint, for example while a lab starts or while an e-mail is late."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from loyalty.lab import Lab, until
from loyalty.lab.client import notices
from loyalty.lab.course import traffic
from loyalty.lab.errors import WaitedTooLong
from loyalty.lab.processes.ports import HOST
from loyalty.lab.processes.worker import sticky_seconds
from loyalty.lab.server.address import SESSION_ADDRESS, SESSION_UI_PORT
from tests.support.helpers import eventually
from tests.support.lab_accounts import open_account

pytestmark = pytest.mark.slow

HINT_SECONDS = 0.3


@pytest.fixture(autouse=True)
def _early_hints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "HINT_AFTER_SECONDS", HINT_SECONDS)


@pytest.fixture
async def lab(in_session: None) -> AsyncIterator[Lab]:
    async with await Lab.start("slow-waits", worker=False) as lab:
        yield lab


@pytest.fixture
def silent_address() -> Iterator[str]:
    """Return the address of a server that accepts connections, but never answers."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield f"{HOST}:{listener.getsockname()[1]}"


async def said_while_starting(capsys: pytest.CaptureFixture[str]) -> str:
    """Start a lab, return the first hint, and cancel the start."""
    said: list[str] = []
    starting = asyncio.create_task(Lab.start("slow"))
    try:
        await eventually(lambda: said.append(capsys.readouterr().err) or "".join(said), waiting_for="a hint")  # type: ignore[func-returns-value]
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
    return "".join(said)


async def test_the_server_address_is_printed_if_the_lab_starts_slowly(
    silent_address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(SESSION_ADDRESS, silent_address)
    monkeypatch.setenv(SESSION_UI_PORT, "1")
    said = await said_while_starting(capsys)
    assert said == f"Still waiting for an answer from this session's Temporal server at {silent_address}\n"


async def test_slow_start_of_a_lab_prints_the_address_of_the_cluster(
    silent_address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", silent_address)
    said = await said_while_starting(capsys)
    assert said == f"Still waiting for an answer from the Temporal cluster at {silent_address}\n"


async def test_a_long_wait_prints_the_problem_of_the_newest_lab(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    missing = "no customer runs here; did you run the cell above?"
    with pytest.raises(
        WaitedTooLong, match="Waited 1 s until pigs fly, but this did not happen: no customer runs here"
    ):
        await until(lambda: False, "pigs fly", timeout=1)
    assert capsys.readouterr().err == f"Still waiting until pigs fly, 1 s at most: {missing}\n"
    await open_account(lab, "ada")
    with pytest.raises(WaitedTooLong, match="customer-ada runs, and no worker polls its task queue customer-loyalty"):
        await until(lambda: False, "pigs fly", timeout=0.5)


async def test_the_hint_for_a_long_wait_does_not_mention_a_stopped_lab(lab: Lab) -> None:
    await lab.stop()
    with pytest.raises(WaitedTooLong) as late:
        await until(lambda: False, "pigs fly", timeout=0.2)
    assert str(late.value) == "Waited 0.2 s until pigs fly, but this did not happen"


async def test_a_wait_ends_at_the_deadline_if_the_condition_never_returns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended: list[str] = []

    async def looks_for_ever() -> bool:
        try:
            return await asyncio.Future()
        finally:
            ended.append("cancelled")

    async with asyncio.timeout(10):
        with pytest.raises(WaitedTooLong, match="Waited 1 s until pigs fly"):
            await until(looks_for_ever, "pigs fly", timeout=1)
    assert "Still waiting until pigs fly, 1 s at most" in capsys.readouterr().err
    assert ended == ["cancelled"]


async def test_the_function_shop_prints_only_one_hint_if_no_email_arrives(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(traffic, "MAIL_PATIENCE_SECONDS", HINT_SECONDS)
    ada = await open_account(lab, "ada")
    spree = await traffic.shop(ada, lab.inbox, "ada@example.com", purchases=3)
    assert spree.purchases == 3
    assert capsys.readouterr().err == (
        "Waited 0.3 s until 1 e-mail for ada@example.com arrives; 0 e-mails have arrived: customer-ada runs, and no "
        "worker polls its task queue customer-loyalty; no worker process of this lab runs; `lab.worker.start()` starts "
        "one; the next purchase is made\n"
    )


async def test_a_terminated_customer_causes_no_hint_in_the_function_shop(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(traffic, "MAIL_PATIENCE_SECONDS", HINT_SECONDS)
    ada = await open_account(lab, "ada")
    shopping = asyncio.create_task(traffic.shop(ada, lab.inbox, "ada@example.com"))
    await ada.terminate()
    assert (await shopping).refusal is not None
    assert capsys.readouterr().err == ""


async def test_the_delay_of_the_first_answers_is_printed_after_a_killed_worker_restarts(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    notices.HINT_AFTER_SECONDS = 30.0  # the fixture's monkeypatch restores the old value
    lab.worker.start()
    lab.worker.stop()
    lab.worker.start()
    assert capsys.readouterr().err == "", "A stopped worker tells the server that it ends, so no delay follows"
    lab.worker.kill()
    lab.worker.start()
    said = capsys.readouterr().err
    assert said.startswith(f"Worker process {lab.worker.pid} runs. The first answers may take {sticky_seconds():g} s: ")
