"""The activities, with a real SMTP server and a real Temporal server."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from email.header import decode_header, make_header

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from loyalty.activities import LoyaltyActivities, SmtpMailer, log_mail
from loyalty.actor.email_message import email_message
from loyalty.actor.messages import Mail
from loyalty.lab.processes.ports import ReservedPort
from loyalty.messages import GuestInvitation, GuestStart
from tests.support.helpers import Shop, comes_to, ends, eventually, status
from tests.support.post_office import PostOffice

MAIL = Mail(to="ada@example.org", subject="Grüße für Ada ★", body="Dear Ada,\n\n1 € ≈ 100 points.\n", topic="points")


async def send(mail: Mail, mailer: SmtpMailer, client: Client, *, attempt: int = 1) -> None:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt, workflow_id="customer-ada")
    await environment.run(LoyaltyActivities(client, mailer).send_email, mail)


def mailer_of(office: PostOffice) -> SmtpMailer:
    return SmtpMailer("127.0.0.1", office.port)


async def test_email_arrives_unchanged(post_office: PostOffice, client: Client) -> None:
    await send(MAIL, mailer_of(post_office), client)
    (message,) = post_office.received
    assert (message["From"], message["To"], message["Subject"]) == ("loyalty@localhost", MAIL.to, MAIL.subject)
    assert message.get_content().replace("\r\n", "\n") == MAIL.body
    assert message["X-Workflow-Id"] == "customer-ada"


async def test_every_attempt_uses_the_same_message_id(post_office: PostOffice, client: Client) -> None:
    for attempt in (1, 2):
        await send(MAIL, mailer_of(post_office), client, attempt=attempt)
    first, second = (message["Message-ID"] for message in post_office.received)
    assert first == second, "The two attempts have different Message-IDs"


async def test_different_emails_have_different_message_ids(post_office: PostOffice, closed_shop: Shop) -> None:
    async with closed_shop.serving(mailer_of(post_office)):
        ada = await closed_shop.opens("ada", email="ada@example.org")
        await ada.signal("cancelAccount")
        await ends(ada)
    ids = [message["Message-ID"] for message in post_office.received]
    assert len(ids) == len(set(ids)) == 2


async def test_attempt_fails_if_the_mail_server_refuses_the_email(post_office: PostOffice, client: Client) -> None:
    post_office.answer = "451 come back later"
    with pytest.raises(aiosmtplib.SMTPDataError, match="come back later"):
        await send(MAIL, mailer_of(post_office), client)


async def test_attempt_fails_if_the_mail_server_is_unreachable(client: Client) -> None:
    port = ReservedPort().number
    with pytest.raises(ConnectionError, match=f"Error connecting to 127.0.0.1 on port {port}"):
        await send(MAIL, SmtpMailer("127.0.0.1", port), client)


@asynccontextmanager
async def dribbling_server(greeting: str) -> AsyncIterator[int]:
    """Start a mail server on loopback and yield the port. The server sends `greeting`, and then an endless answer."""

    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting.encode())
        while not reader.at_eof():
            writer.write(b"250-more\r\n")
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await reader.read(1)
        writer.close()

    server = await asyncio.start_server(dribble, "127.0.0.1")
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("greeting", ["", "220 hello\r\n"], ids=["without a greeting", "after the greeting"])
async def test_attempt_times_out_if_the_answer_of_the_mail_server_never_ends(greeting: str, client: Client) -> None:
    async with dribbling_server(greeting) as port:
        began = time.monotonic()
        with pytest.raises(TimeoutError, match=rf"at 127.0.0.1:{port} has not accepted the mail within 0.5 s"):
            await send(MAIL, SmtpMailer("127.0.0.1", port, timeout=0.5), client)
        assert time.monotonic() - began < 5


async def test_attempt_times_out_if_the_dns_lookup_is_slow(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(20))
    try:
        with pytest.raises(TimeoutError, match=r"at mail.example:25 has not accepted the mail within 0.5 s"):
            await send(MAIL, SmtpMailer("mail.example", 25, timeout=0.5), client)
    finally:
        answered.set()


async def test_email_is_sent_even_if_the_mail_server_ignores_the_quit_command(
    post_office: PostOffice, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def say_nothing(_server: object, *_: object) -> None:
        await asyncio.sleep(10)

    monkeypatch.setattr(SMTP, "smtp_QUIT", say_nothing)
    await send(MAIL, mailer_of(post_office), client)
    assert len(post_office.received) == 1


async def test_email_is_sent_again_if_the_mail_server_refuses_the_first_attempt(
    post_office: PostOffice, closed_shop: Shop
) -> None:
    post_office.answer = "451 come back later"
    async with closed_shop.serving(mailer_of(post_office)):
        ada = await closed_shop.opens("ada", name="Ada", email="ada@example.org")
        await comes_to(ada, 0)
        post_office.answer = "250 OK"
        await eventually(lambda: post_office.received, waiting_for="the welcome e-mail")
    (message,) = post_office.received
    assert message["Subject"] == "Welcome to the loyalty program"


# ---- guests ---------------------------------------------------------------------------------------------------


async def start_guest(shop: Shop, level: int = 1, history_threshold: int | None = 10_000) -> bool:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, task_queue=shop.task_queue)
    start = GuestStart(GuestInvitation("grace", "Grace", "grace@example.org"), level, history_threshold)
    return await environment.run(LoyaltyActivities(shop.client, shop.mails).start_guest, start)


async def test_activity_starts_a_new_guest_with_the_minimum_status(shop: Shop) -> None:
    assert await start_guest(shop)
    grace = await status(shop.customer("grace"))
    assert (grace["name"], grace["points"], grace["status"]["name"]) == ("Grace", 500, "Silver")


async def test_activity_promotes_a_guest_that_is_already_running(shop: Shop) -> None:
    await shop.opens("grace", points=7)
    assert await start_guest(shop, level=2)
    grace = await status(shop.customer("grace"))
    assert (grace["name"], grace["points"]) == ("", 1_000)


async def test_repeated_activity_starts_the_guest_only_once(shop: Shop) -> None:
    assert await start_guest(shop)
    assert await start_guest(shop), "A retry after a successful attempt must succeed"
    assert await shop.customer("grace").query("getGuests") == []


async def test_activity_returns_false_if_the_account_of_the_guest_is_closed(shop: Shop) -> None:
    grace = await shop.opens("grace")
    await grace.signal("cancelAccount")
    await ends(grace)
    assert await start_guest(shop) is False


async def test_email_is_only_logged_if_no_mail_server_is_configured(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        await ActivityEnvironment().run(LoyaltyActivities(client, log_mail).send_email, MAIL)
    assert f"E-mail to {MAIL.to}: {MAIL.subject}" in caplog.text


@pytest.mark.parametrize(
    "address",
    ["ada@example.org\nBcc: eve@example.org", "x@=?utf-8?q?evil.example?=", "=?utf-8?q?eve?=@example.org", "x@y, z@w"],
)
async def test_email_to_an_invalid_address_is_not_retried(address: str, client: Client) -> None:
    with pytest.raises(ApplicationError, match="as an e-mail address") as failure:
        await send(replace(MAIL, to=address), SmtpMailer("127.0.0.1", 1), client)
    assert failure.value.non_retryable


@pytest.mark.parametrize(
    "text",
    [
        "=?utf-8?q?x=0D=0ABcc=3A_eve=40evil.example?=",
        "=?utf-8?q?x?=",
        "a\r\nBcc: eve@evil.example",
        "two  spaces, ends with one ",
        "\u202eright to left ★ " * 40,
        "x" * 1_000,
    ],
)
async def test_subject_and_workflow_id_of_an_email_arrive_unchanged(text: str, post_office: PostOffice) -> None:
    headers = {"From": "loyalty@localhost", "To": "ada@example.org", "Subject": text, "X-Workflow-Id": text}
    body = ".\nFrom here on\n..\n"
    await mailer_of(post_office)(email_message(headers, body))
    (message,) = post_office.received
    for name in ("Subject", "X-Workflow-Id"):
        raw = dict(message.raw_items())[name]
        assert str(make_header(decode_header(raw))) == text
    assert message["Bcc"] is None
    assert message.get_content().replace("\r\n", "\n") == body


async def test_mailer_does_not_look_up_the_name_of_the_local_host(
    post_office: PostOffice, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda *_: pytest.fail("The name of this machine was looked up"))
    await send(MAIL, mailer_of(post_office), client)
    assert len(post_office.received) == 1
