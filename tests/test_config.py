"""The environment: which cluster, which mail server. Nothing here leaves the machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from loyalty import config
from loyalty.activities import SmtpMailer, log_mail
from loyalty.config import ConfigurationError


@pytest.fixture
def profiles(tmp_path: Path) -> dict[str, str]:
    """An environment whose only source of profiles is a file with one of them."""
    file = tmp_path / "temporal.toml"
    file.write_text('[profile.staging]\naddress = "staging.example:7233"\nnamespace = "loyalty"\n')
    return {"TEMPORAL_CONFIG_FILE": str(file)}


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address of this machine at which nobody listens, and nobody can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def refusal_of_mail_server(environment: Mapping[str, str]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        config.mailer(environment)
    return str(refused.value)


@pytest.mark.parametrize("environment", [{}, {"LOYALTY_SMTP_URL": ""}])
def test_without_a_mail_server_email_is_logged(environment: dict[str, str]) -> None:
    assert config.mailer(environment) is log_mail


@pytest.mark.parametrize("url", ["smtp://127.0.0.1:2525", "smtp://localhost:25", "smtp://[::1]:2525"])
def test_a_mail_server_is_named_by_its_url(url: str) -> None:
    assert isinstance(config.mailer({"LOYALTY_SMTP_URL": url}), SmtpMailer)


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:2525",
        "localhost",
        "smtp://",
        "smtp://localhost",
        "smtp://:2525",
        "smtp://localhost:mail",
        "smtp://localhost:70000",
        "smtp://localhost:-1",
        "smtps://localhost:465",
        "http://localhost:25",
        "smtp://[::1:25",
        " ",
    ],
)
def test_anything_else_is_refused_with_what_is_possible(url: str) -> None:
    assert refusal_of_mail_server({"LOYALTY_SMTP_URL": url}) == (
        f"Cannot use LOYALTY_SMTP_URL={url!r}; possible is smtp://host:port"
    )


def test_a_password_is_refused_and_not_repeated() -> None:
    refusal = refusal_of_mail_server({"LOYALTY_SMTP_URL": "smtp://ada:secret@localhost:25"})
    assert refusal == "Cannot use LOYALTY_SMTP_URL with a user or a password; possible is smtp://host:port"


def test_the_environment_names_the_cluster(profiles: dict[str, str]) -> None:
    assert config.cluster(profiles | {"TEMPORAL_ADDRESS": "here:7233", "TEMPORAL_NAMESPACE": "loyalty"}) == {
        "target_host": "here:7233",
        "namespace": "loyalty",
    }


def test_a_profile_names_the_cluster(profiles: dict[str, str]) -> None:
    assert config.cluster(profiles | {"TEMPORAL_PROFILE": "staging"}) == {
        "target_host": "staging.example:7233",
        "namespace": "loyalty",
    }


def test_where_nothing_is_said_nothing_is_known(profiles: dict[str, str]) -> None:
    assert config.cluster(profiles) == {}


def test_the_environment_beats_the_profile(profiles: dict[str, str]) -> None:
    named = config.cluster(profiles | {"TEMPORAL_PROFILE": "staging", "TEMPORAL_ADDRESS": "here:7233"})
    assert named["target_host"] == "here:7233"


def test_an_unknown_profile_is_refused(profiles: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"^Cannot read Temporal's configuration: .*nonsense.* not found"):
        config.cluster(profiles | {"TEMPORAL_PROFILE": "nonsense"})


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "temporal.toml"
    file.write_text("address: here")
    with pytest.raises(ConfigurationError, match=r"^Cannot read Temporal's configuration: "):
        config.cluster({"TEMPORAL_CONFIG_FILE": str(file)})


async def test_connecting_reaches_the_named_server(server: WorkflowEnvironment) -> None:
    address = server.client.service_client.config.target_host
    client = await config.connect({"TEMPORAL_ADDRESS": address, "TEMPORAL_NAMESPACE": "default"})
    assert client.service_client.config.target_host == address
    assert client.namespace == "default"


async def test_an_unreachable_server_is_one_sentence_that_says_what_to_do(nowhere: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        await config.connect({"TEMPORAL_ADDRESS": nowhere})
    sentence = str(refused.value)
    assert sentence.startswith(
        f"Cannot reach a Temporal server at {nowhere}; start one, or name another by "
        "TEMPORAL_ADDRESS or a Temporal profile ("
    )
    assert "\n" not in sentence, "One sentence is one line"


async def test_without_any_word_the_default_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    async def refuse(**settings: Any) -> None:
        asked.update(settings)
        raise RuntimeError("nobody there")

    monkeypatch.setattr(Client, "connect", refuse)
    with pytest.raises(ConfigurationError, match="localhost:7233"):
        await config.connect({"TEMPORAL_CONFIG_FILE": "/nonexistent"})
    assert asked["target_host"] == "localhost:7233"
    assert "namespace" not in asked, "The SDK's own default namespace applies"


@pytest.mark.parametrize("address", ["127.0.0.1:port", ":", "two words:7233"])
async def test_an_address_that_is_none_is_refused_in_a_sentence_too(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^Cannot reach a Temporal server at "):
        await config.connect({"TEMPORAL_ADDRESS": address})


def test_the_shop_keeps_its_books_in_a_file_unless_another_database_is_named() -> None:
    assert config.database_url({}) == config.DEFAULT_DATABASE_URL
    assert config.database_url({config.DATABASE_URL: "postgresql+psycopg://shop@host/shop"}).startswith("postgresql")


@pytest.mark.parametrize(("stated", "seconds"), [("", config.DEFAULT_BARISTA_SECONDS), ("0", 0), ("1.5", 1.5)])
def test_how_fast_baristas_are_is_configured(stated: str, seconds: float) -> None:
    assert config.barista_seconds({config.BARISTA_SECONDS: stated}) == seconds


@pytest.mark.parametrize("stated", ["soon", "-1", "nan", "inf"])
def test_a_speed_that_is_none_is_refused(stated: str) -> None:
    with pytest.raises(ConfigurationError, match="possible is a number of seconds, 0 or more"):
        config.barista_seconds({config.BARISTA_SECONDS: stated})
