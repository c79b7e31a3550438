"""The configuration of the cluster, the mail server and the coffee shop. All connections stay on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from traceback import format_exception
from typing import Any, cast

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from loyalty import config
from loyalty.activities import SmtpMailer, log_mail
from loyalty.coffee.worker import build_from_environment
from loyalty.config import ConfigurationError


@pytest.fixture
def profiles(tmp_path: Path) -> dict[str, str]:
    """Environment variables that name a configuration file with one profile, `staging`."""
    file = tmp_path / "temporal.toml"
    file.write_text('[profile.staging]\naddress = "staging.example:7233"\nnamespace = "loyalty"\n')
    return {"TEMPORAL_CONFIG_FILE": str(file)}


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address on loopback without a listening process. The port stays reserved during the test."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def refusal_of_mail_server(environment: Mapping[str, str]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        config.mailer(environment)
    return str(refused.value)


@pytest.mark.parametrize("environment", [{}, {"LOYALTY_SMTP_URL": ""}])
def test_email_is_only_logged_if_no_mail_server_is_configured(environment: dict[str, str]) -> None:
    assert config.mailer(environment) is log_mail


@pytest.mark.parametrize("url", ["smtp://127.0.0.1:2525", "smtp://localhost:25", "smtp://[::1]:2525"])
def test_valid_smtp_url_selects_the_smtp_mailer(url: str) -> None:
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
def test_invalid_smtp_url_is_refused(url: str) -> None:
    assert refusal_of_mail_server({"LOYALTY_SMTP_URL": url}) == (
        f"Cannot use LOYALTY_SMTP_URL={url!r}; expected smtp://host:port"
    )


def test_error_about_the_smtp_url_does_not_show_the_password() -> None:
    refusal = refusal_of_mail_server({"LOYALTY_SMTP_URL": "smtp://ada:secret@localhost:25"})
    assert refusal == "Cannot use LOYALTY_SMTP_URL with a user or a password; expected smtp://host:port"


def test_cluster_settings_are_read_from_environment_variables(profiles: dict[str, str]) -> None:
    assert config.cluster(profiles | {"TEMPORAL_ADDRESS": "here:7233", "TEMPORAL_NAMESPACE": "loyalty"}) == {
        "target_host": "here:7233",
        "namespace": "loyalty",
    }


def test_cluster_settings_are_read_from_a_profile(profiles: dict[str, str]) -> None:
    assert config.cluster(profiles | {"TEMPORAL_PROFILE": "staging"}) == {
        "target_host": "staging.example:7233",
        "namespace": "loyalty",
    }


def test_cluster_settings_are_empty_if_the_environment_is_empty(profiles: dict[str, str]) -> None:
    assert config.cluster(profiles) == {}


def test_environment_variables_override_the_profile(profiles: dict[str, str]) -> None:
    named = config.cluster(profiles | {"TEMPORAL_PROFILE": "staging", "TEMPORAL_ADDRESS": "here:7233"})
    assert named["target_host"] == "here:7233"


def test_unknown_profile_is_refused(profiles: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"^Cannot read Temporal's configuration: .*nonsense.* not found"):
        config.cluster(profiles | {"TEMPORAL_PROFILE": "nonsense"})


def test_configuration_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "temporal.toml"
    file.write_text("address: here")
    with pytest.raises(ConfigurationError, match=r"^Cannot read Temporal's configuration: "):
        config.cluster({"TEMPORAL_CONFIG_FILE": str(file)})


async def test_client_connects_to_the_configured_server(server: WorkflowEnvironment) -> None:
    address = server.client.service_client.config.target_host
    client = await config.connect({"TEMPORAL_ADDRESS": address, "TEMPORAL_NAMESPACE": "default"})
    assert client.service_client.config.target_host == address
    assert client.namespace == "default"


async def test_error_about_an_unreachable_server_is_one_line_with_advice(nowhere: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        await config.connect({"TEMPORAL_ADDRESS": nowhere})
    sentence = str(refused.value)
    assert sentence.startswith(
        f"Cannot reach a Temporal server at {nowhere}; start one, or name another by "
        "TEMPORAL_ADDRESS or a Temporal profile ("
    )
    assert "\n" not in sentence, "The error has more than one line"


async def test_connection_uses_localhost_if_no_address_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    async def refuse(**settings: Any) -> None:
        asked.update(settings)
        raise RuntimeError("connection refused")

    monkeypatch.setattr(Client, "connect", refuse)
    with pytest.raises(ConfigurationError, match="localhost:7233"):
        await config.connect({"TEMPORAL_CONFIG_FILE": "/nonexistent"})
    assert asked["target_host"] == "localhost:7233"
    assert "namespace" not in asked, "Without configuration, the SDK must choose the namespace"


@pytest.mark.parametrize("address", ["127.0.0.1:port", ":", "two words:7233"])
async def test_malformed_server_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^Cannot reach a Temporal server at "):
        await config.connect({"TEMPORAL_ADDRESS": address})


def test_the_default_database_is_a_file() -> None:
    assert config.database_url({}) == config.DEFAULT_DATABASE_URL
    assert config.database_url({config.DATABASE_URL: "postgresql+psycopg://shop@host/shop"}).startswith("postgresql")


@pytest.mark.parametrize(("stated", "seconds"), [("", config.DEFAULT_BARISTA_SECONDS), ("0", 0), ("1.5", 1.5)])
def test_speed_of_the_baristas_is_read_from_an_environment_variable(stated: str, seconds: float) -> None:
    assert config.barista_seconds({config.BARISTA_SECONDS: stated}) == seconds


@pytest.mark.parametrize("stated", ["soon", "-1", "nan", "inf"])
def test_invalid_speed_of_the_baristas_is_refused(stated: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a number of seconds, 0 or more"):
        config.barista_seconds({config.BARISTA_SECONDS: stated})


@pytest.mark.parametrize("source", ["environment", "profile"])
@pytest.mark.parametrize("file", ["missing", "a folder"])
def test_unreadable_tls_file_is_refused(source: str, file: str, tmp_path: Path) -> None:
    path = tmp_path if file == "a folder" else tmp_path / "missing.pem"
    profile = tmp_path / "temporal.toml"
    if source == "profile":
        profile.write_text(f"[profile.default.tls]\nclient_cert_path = '{path}'\nclient_key_path = '{path}'\n")
        environment = {}
    else:
        environment = {"TEMPORAL_TLS_CLIENT_CERT_PATH": str(path), "TEMPORAL_TLS_CLIENT_KEY_PATH": str(path)}
    with pytest.raises(ConfigurationError, match=r"^Cannot read the TLS file '.*; name a PEM file that this user can"):
        config.cluster({"TEMPORAL_CONFIG_FILE": str(profile), **environment})


@pytest.mark.parametrize("key", ["secret\nkey", "secret-kéy", "secret\tkey"])
def test_error_about_the_api_key_does_not_show_the_key(key: str, profiles: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"^Cannot use the Temporal API key: ") as refused:
        config.cluster({**profiles, "TEMPORAL_API_KEY": key})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("word", ["no", "off", "maybe"])
def test_tls_setting_must_be_true_or_false(word: str, profiles: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=f"^Cannot use TEMPORAL_TLS='{word}'; expected true and false$"):
        config.cluster({**profiles, "TEMPORAL_TLS": word})


def test_cluster_address_with_a_url_scheme_is_refused(profiles: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="expected host:port, without a scheme") as refused:
        config.cluster({**profiles, "TEMPORAL_ADDRESS": "http://ada:secret@here:7233"})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "pair", [{"CERT": "secret", "KEY": "secret"}, {"CERT": "secret"}], ids=["no PEM", "certificate only"]
)
async def test_error_about_the_tls_certificate_does_not_show_the_private_key(
    pair: dict[str, str], nowhere: str
) -> None:
    given = {f"TEMPORAL_TLS_CLIENT_{name}_DATA": value for name, value in pair.items()}
    with pytest.raises(ConfigurationError, match=r"^Cannot use the TLS certificate and private key for ") as refused:
        await config.connect({"TEMPORAL_ADDRESS": nowhere, **given})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("cause", [{"TEMPORAL_TLS": "true"}, {"TEMPORAL_API_KEY": "secret"}], ids=["TLS", "API key"])
async def test_tls_connection_to_a_port_without_tls_raises_a_clear_error(
    cause: dict[str, str], server: WorkflowEnvironment
) -> None:
    address = server.client.service_client.config.target_host
    with pytest.raises(ConfigurationError, match="by TLS: it answers without TLS; TEMPORAL_TLS=false") as refused:
        await config.connect({"TEMPORAL_ADDRESS": address, **cause})
    assert "secret" not in str(refused.value)


async def test_error_about_an_invalid_namespace_has_one_line(server: WorkflowEnvironment) -> None:
    environment = {
        "TEMPORAL_ADDRESS": server.client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": "a" * 2_000,
    }
    with pytest.raises(ConfigurationError, match=r"^Cannot use the namespace 'aaa.*INVALID_ARGUMENT"):
        await config.connect(environment)


def test_notebook_shows_a_configuration_error_in_one_line() -> None:
    assert ConfigurationError("Cannot")._render_traceback_() == ["ConfigurationError: Cannot"]


@pytest.mark.parametrize("url", ["smtp://mail server:25", "smtp://mail:25/inbox", "smtp://mail:25?tls=yes"])
def test_mail_server_url_with_path_or_query_is_refused(url: str) -> None:
    assert refusal_of_mail_server({"LOYALTY_SMTP_URL": url}).endswith("expected smtp://host:port")


@pytest.mark.parametrize(
    "environment",
    [
        {"TEMPORAL_TLS_CLIENT_CERT_PATH": "missing.pem", "TEMPORAL_TLS_CLIENT_KEY_PATH": "missing.pem"},
        {"TEMPORAL_PROFILE": "missing"},
        {"LOYALTY_SMTP_URL": "mail"},
    ],
    ids=["TLS file", "profile", "mail server"],
)
def test_worker_prints_one_sentence_about_a_wrong_environment_variable(
    environment: dict[str, str], nowhere: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "loyalty.worker"],
        env={**os.environ, "TEMPORAL_ADDRESS": nowhere, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("Cannot ")
    assert ended.stderr.count("\n") == 1


def test_error_about_the_database_url_does_not_show_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(config.DATABASE_URL, "postgresql://shop@host:secret/shop")
    with pytest.raises(
        ConfigurationError,
        match=r"^Cannot use the database that LOYALTY_DATABASE_URL names, because its URL cannot be read; expected",
    ) as refused:
        build_from_environment(cast(Client, None), log_mail)
    assert "secret" not in "".join(format_exception(refused.value))
