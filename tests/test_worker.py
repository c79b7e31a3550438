"""`python -m loyalty.worker` as in production: a separate process, configured from environment variables."""

from __future__ import annotations

import signal

import pytest

from loyalty.messages import TASK_QUEUE
from tests.support.helpers import Shop, comes_to, ends, reset_sticky_queue
from tests.support.post_office import PostOffice
from tests.support.worker_process import STARTING, worker

pytestmark = pytest.mark.slow


@pytest.fixture
def closed_shop(closed_shop: Shop) -> Shop:
    closed_shop.task_queue = TASK_QUEUE
    return closed_shop


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=lambda stop: stop.name)
async def test_worker_stops_cleanly_after_sigterm_or_sigint(closed_shop: Shop, stop: signal.Signals) -> None:
    async with worker(closed_shop) as process:
        ada = await closed_shop.opens("ada", email="ada@example.org")
        await ada.signal("addPoints", 100)
        await comes_to(ada, 100, timeout=STARTING)
        process.process.send_signal(stop)
        assert await process.ended() == 0
    assert "Serving task queue customer-loyalty" in process.log
    assert process.log.rstrip().endswith("Stopped"), process.log
    assert "Traceback" not in process.log, process.log


async def test_worker_only_logs_emails_if_no_mail_server_is_configured(closed_shop: Shop) -> None:
    async with worker(closed_shop) as process:
        await closed_shop.opens("ada", email="ada@example.org")
        await process.logs("E-mail to ada@example.org: Welcome to the loyalty program")


async def test_worker_sends_emails_to_the_mail_server(closed_shop: Shop, post_office: PostOffice) -> None:
    async with worker(closed_shop, LOYALTY_SMTP_URL=f"smtp://127.0.0.1:{post_office.port}"):
        ada = await closed_shop.opens("ada", email="ada@example.org")
        await ada.signal("cancelAccount")
        await ends(ada, timeout=STARTING)
    assert [mail["Subject"] for mail in post_office.received] == ["Welcome to the loyalty program", "Goodbye"]


async def test_customer_keeps_the_points_after_the_worker_is_killed(closed_shop: Shop) -> None:
    ada = await closed_shop.opens("ada")
    await ada.signal("addPoints", 1)
    async with worker(closed_shop) as first:
        await comes_to(ada, 1, timeout=STARTING)
        first.process.kill()
        assert await first.ended() == -signal.SIGKILL
    await reset_sticky_queue(ada, closed_shop.client)
    await ada.signal("addPoints", 10)
    async with worker(closed_shop):
        await comes_to(ada, 11, timeout=STARTING)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        (
            {"TEMPORAL_ADDRESS": "127.0.0.1:1"},
            "Cannot reach a Temporal server at 127.0.0.1:1; start one, or name another by TEMPORAL_ADDRESS",
        ),
        (
            {"TEMPORAL_ADDRESS": "nonsense::"},
            "Cannot reach a Temporal server at nonsense::; start one, or name another by TEMPORAL_ADDRESS",
        ),
        ({"TEMPORAL_PROFILE": "nonsense"}, "Cannot read Temporal's configuration: "),
        ({"TEMPORAL_NAMESPACE": "nowhere"}, "Cannot find the namespace 'nowhere' at 127.0.0.1:"),
        (
            {"LOYALTY_SMTP_URL": "localhost"},
            "Cannot use LOYALTY_SMTP_URL='localhost'; expected smtp://host:port",
        ),
    ],
    ids=lambda value: next(iter(value.values())) if isinstance(value, dict) else "",
)
async def test_worker_prints_one_sentence_and_stops_if_the_configuration_is_wrong(
    closed_shop: Shop, environment: dict[str, str], sentence: str
) -> None:
    async with worker(closed_shop, **environment) as process:
        assert await process.ended() == 1
    assert process.log.startswith(sentence), process.log
    assert len(process.log.splitlines()) == 1, f"The log has more than one line: {process.log}"
