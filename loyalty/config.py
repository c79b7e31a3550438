"""The environment variables of the program: cluster, mail server, database.

The cluster is configured by Temporal's own variables and profiles (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`,
`TEMPORAL_PROFILE`, `TEMPORAL_API_KEY`, `TEMPORAL_CONFIG_FILE`, ...). `LOYALTY_SMTP_URL` is the address of the mail
server, such as `smtp://127.0.0.1:2525`. Without this variable, the worker only logs e-mails. `LOYALTY_DATABASE_URL` is
the URL of the coffee shop's database, such as `postgresql+psycopg://user@host/shop`. `LOYALTY_BARISTA_SECONDS` is the
time for each step of an order, in seconds.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, Interceptor
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import Runtime
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from loyalty.activities import Mailer, SmtpMailer, log_mail

DEFAULT_ADDRESS = "localhost:7233"
SMTP_URL = "LOYALTY_SMTP_URL"
DATABASE_URL = "LOYALTY_DATABASE_URL"
DEFAULT_DATABASE_URL = "sqlite:///coffee-shop.db"
BARISTA_SECONDS = "LOYALTY_BARISTA_SECONDS"
DEFAULT_BARISTA_SECONDS = 0.3
SENDER_RETRIES = RetryConfig(max_elapsed_time_millis=60_000)
"""While a run ends, the server refuses messages (RESOURCE_EXHAUSTED, "workflow is closing"). The client of the sender
retries with the same update id. The SDK's default of 10 s allows about five attempts, with pauses of 1, 2 and 4 s.
Measured in a storm that ended 1,000 runs in five minutes: 2 to 4 of 10,000 updates had no answer after 10 s. All
updates had an answer after 60 s."""

SWITCHES = ("TEMPORAL_TLS", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION")
BAD_PAIR = (
    "PrivateKeyParseError",
    "CertificateParseError",
    "InvalidCertificate(BadEncoding)",
    "Must have both",
    "Mismatch",
)
"""Parts of the SDK's error messages for a client certificate and a private key that do not fit together."""


class ConfigurationError(Exception):
    """An environment variable is wrong, or a server cannot be reached.

    The error's text explains how to solve the problem.
    """

    def _render_traceback_(self) -> list[str]:
        # IPython shows this line instead of the stack. A stack does not help to correct an environment variable.
        return [f"{type(self).__name__}: {self}"]


def cluster(environment: Mapping[str, str] | None = None) -> ClientConnectConfig:
    """Return the connection settings from `environment`. The default is the environment of this process.

    Return `{}` if the environment contains no settings.
    """
    _check_switches(os.environ if environment is None else environment)
    try:
        settings = ClientConfig.load_client_connect_config(
            override_env_vars=dict(environment) if environment is not None else None
        )
    except OSError as error:  # a file of certificates or keys
        raise ConfigurationError(
            f"Cannot read the TLS file {error.filename!r} that Temporal's configuration names "
            f"({error.strerror}); name a PEM file that this user can read"
        ) from None
    except ValueError:  # its text may quote the file, and with it a key
        raise ConfigurationError("Cannot read Temporal's configuration: a value in it has the wrong form") from None
    except RuntimeError as error:  # temporalio.envconfig raises its ConfigError as a RuntimeError
        # The lines that follow, and the error itself, may quote the file, and with it a key.
        raise ConfigurationError(f"Cannot read Temporal's configuration: {str(error).splitlines()[0]}") from None
    _check_address(settings.get("target_host", DEFAULT_ADDRESS))
    _check_api_key(settings.get("api_key"))
    return settings


def _check_switches(environment: Mapping[str, str]) -> None:
    # The SDK reads any other word as true, even "no" and "off".
    for name in SWITCHES:
        value = environment.get(name, "").strip().lower()
        if value not in ("", "true", "false", "1", "0"):
            raise ConfigurationError(f"Cannot use {name}={environment[name]!r}; expected true and false")


def _check_address(address: str) -> None:
    if "://" in address:
        raise ConfigurationError(
            f"Cannot use the Temporal address {address.rpartition('@')[2]!r}; expected host:port, without a scheme"
        )


def _check_api_key(key: object) -> None:
    # The SDK drops a key that is no valid header value, and connects without a key.
    if isinstance(key, str) and not (key.isascii() and key.isprintable()):
        raise ConfigurationError(
            "Cannot use the Temporal API key: it contains a line break, or a character that is not ASCII; "
            "copy it again into TEMPORAL_API_KEY or the Temporal profile"
        )


def _refusal(address: str, error: Exception) -> str:
    """Return a sentence that explains an error of `Client.connect`."""
    words = str(error).splitlines()[0]
    if "InvalidContentType" in words or "InvalidMessage" in words:
        return (
            f"Cannot reach a Temporal server at {address} by TLS: it answers without TLS; TEMPORAL_TLS=false "
            "switches TLS off, which an API key switches on"
        )
    if any(sign in words for sign in BAD_PAIR):
        return (
            f"Cannot use the TLS certificate and private key for {address} ({words}); name a certificate and "
            "its private key, both as PEM, or none of the two"
        )
    if "Invalid headers" in words:
        return f"Cannot use the headers that TEMPORAL_GRPC_META_* or the Temporal profile names ({words})"
    return (
        f"Cannot reach a Temporal server at {address}; start one, or name another by "
        f"TEMPORAL_ADDRESS or a Temporal profile ({words})"
    )


async def connect(
    environment: Mapping[str, str] | None = None,
    *,
    interceptors: Sequence[Interceptor] = (),
    runtime: Runtime | None = None,
) -> Client:
    """Return a client that is connected to the cluster; raise ConfigurationError if the connection fails."""
    config: ClientConnectConfig = {"target_host": DEFAULT_ADDRESS, **cluster(environment)}
    try:
        client = await Client.connect(**config, interceptors=interceptors, runtime=runtime, retry_config=SENDER_RETRIES)
    except (RuntimeError, ValueError) as error:  # the SDK's errors for refused connections, TLS and bad addresses
        raise ConfigurationError(_refusal(config["target_host"] or "", error)) from error
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise ConfigurationError(
                f"Cannot use the namespace {client.namespace!r} at {config['target_host']}: the server answers "
                f"{error.status.name} ({error.message})"
            ) from error
        raise ConfigurationError(
            f"Cannot find the namespace {client.namespace!r} at {config['target_host']}; create it, or name another by "
            "TEMPORAL_NAMESPACE or a Temporal profile"
        ) from error
    return client


def mailer(environment: Mapping[str, str] = os.environ) -> Mailer:
    """Return a mailer for the mail server in LOYALTY_SMTP_URL.

    If the variable is not set, the mailer logs all e-mails.
    """
    url = environment.get(SMTP_URL, "")
    if not url:
        return log_mail
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if "@" in url:  # not repeated here: the URL may contain a password
        raise ConfigurationError(f"Cannot use {SMTP_URL} with a user or a password; expected smtp://host:port")
    beyond = host and (any(map(str.isspace, host)) or parts.path.strip("/") or parts.query or parts.fragment)
    if not host or not port or not url.startswith("smtp://") or beyond:
        raise ConfigurationError(f"Cannot use {SMTP_URL}={url!r}; expected smtp://host:port")
    return SmtpMailer(host, port)


def database_url(environment: Mapping[str, str] = os.environ) -> str:
    """Return the database URL of the coffee shop; the default is a file in the working directory."""
    return environment.get(DATABASE_URL, "") or DEFAULT_DATABASE_URL


def barista_seconds(environment: Mapping[str, str] = os.environ) -> float:
    """Return the time for each step of an order, in seconds."""
    stated = environment.get(BARISTA_SECONDS, "") or str(DEFAULT_BARISTA_SECONDS)
    try:
        seconds = float(stated)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ConfigurationError(f"Cannot use {BARISTA_SECONDS}={stated!r}; expected a number of seconds, 0 or more")
    return seconds
