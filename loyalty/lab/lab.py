"""The lab of a notebook: a server, worker processes, an inbox, and links to the Web UI."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from temporalio.client import Client, WorkflowHandle

from loyalty import config
from loyalty.lab import arguments
from loyalty.lab.client.waiting import PATIENCE_SECONDS, lab_is_down, lab_is_up
from loyalty.lab.client.watching import lab_state_of
from loyalty.lab.connect import Connection, connect_lab
from loyalty.lab.errors import LabError
from loyalty.lab.jupyter.kernel import arrange_kernel
from loyalty.lab.jupyter.links import WEB_UI, Link
from loyalty.lab.jupyter.resting import rest_of_this_kernel
from loyalty.lab.processes import uptime
from loyalty.lab.processes.environment import ChildEnvironment
from loyalty.lab.processes.folders import temporary_folder
from loyalty.lab.processes.inbox import Inbox
from loyalty.lab.processes.worker import WorkerProcess, sqlite_url
from loyalty.lab.server.embedded import EmbeddedServer
from loyalty.lab.summary import Summary, summary_of
from loyalty.lab.this_process import in_kernel, notebook_name

if TYPE_CHECKING:
    import pandas as pd


class Lab:
    """A Temporal server, worker processes and an inbox for experiments.

    `lab = await Lab.start()` starts a lab. `async with await Lab.start() as lab:` also stops the lab at the end of the
    block. The attribute `environment` contains the environment variables of the worker processes.
    """

    _plain_lab_of_this_kernel: ClassVar[Lab | None] = None

    def __init__(self, folder: Path, connection: Connection, inbox: Inbox) -> None:
        self.where = connection.where
        self._connection = connection
        self._folder = folder
        self._own_server = connection.own_server
        self._client: Client | None = connection.client
        self._inbox = inbox
        self._workers: list[WorkerProcess] = []
        self.environment = ChildEnvironment()
        self._lab_state = lab_state_of(connection.client)
        self._lab_state.server, self._lab_state.workers = connection.own_server, self._workers
        inbox.missing = self._why_no_email_arrives
        lab_is_up(self._why_no_email_arrives)
        self._remove_folder = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    @classmethod
    async def start(
        cls,
        name: str | None = None,
        *,
        database: str | Path | None = None,
        limits: Mapping[str, object] | None = None,
        port: int | None = None,
        own_server: bool = False,
        worker: bool = True,
        patience: float = PATIENCE_SECONDS,
    ) -> Lab:
        """Connect to a server, or start a server. Also start a worker process and an inbox.

        The lab starts its own server if `own_server` is true, or if `database`, `limits` or `port` is given. `database`
        is a file for the histories; `limits` maps the server's dynamic configuration keys to values. The namespace's
        name begins with `name`, or with the notebook's name by default. `worker=False` starts no worker process.
        `patience` is the deadline, in seconds, of each call of the client. Raises LabError if the lab cannot start.
        """
        arguments.refuse_start(name, database, limits, own_server, worker, patience)
        own_server = own_server or database is not None or limits is not None or port is not None
        if in_kernel():
            arrange_kernel()
            if not own_server and cls._plain_lab_of_this_kernel is not None:
                await cls._plain_lab_of_this_kernel.stop()
        folder = temporary_folder("loyalty-lab-")
        database_url = sqlite_url(folder / "coffee-shop.db")
        connection: Connection | None = None
        inbox = Inbox()
        try:
            connection = await connect_lab(
                folder,
                name or notebook_name(),
                own_server=own_server,
                port=port,
                database=Path(database) if database else None,
                limits=limits or {},
                patience=patience,
            )
            inbox.start()
            lab = cls(folder, connection, inbox)
            lab.environment = ChildEnvironment(connection.environment_of_workers(inbox.url, database_url))
            lab._add_worker()
            if worker:
                lab.worker.start()
        except BaseException:
            inbox.stop()
            if connection is not None and connection.own_server is not None:
                await connection.own_server.stop()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if in_kernel() and not own_server:
            cls._plain_lab_of_this_kernel = lab
        return lab

    async def stop(self) -> None:
        """Stop the workers, the inbox and the server that this lab started. A second call has no effect."""
        if self._client is None:
            return
        self._client = None
        self._lab_state.stopped = True
        lab_is_down(self._why_no_email_arrives)
        for worker in self._workers:
            if worker.alive or worker.rests:
                worker.stop()
        self._inbox.stop()
        if self._own_server is not None:
            await self._own_server.stop()
        self._remove_folder()

    async def _why_no_email_arrives(self) -> str:
        return await self._lab_state.about_mail(self.client)

    async def __aenter__(self) -> Lab:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def client(self) -> Client:
        """Temporal's client, connected to this lab's namespace."""
        if self._client is None:
            raise LabError("This lab was stopped; `lab = await Lab.start()` starts another")
        return self._client

    @property
    def namespace(self) -> str:
        """The namespace of this lab's workflows."""
        return self.client.namespace

    @property
    def inbox(self) -> Inbox:
        """The mail server for this lab's workers; it keeps all e-mails."""
        return self._inbox

    @property
    def database_url(self) -> str:
        """The URL of the coffee shop's database, for SQLAlchemy and `pandas.read_sql`."""
        if self._client is not None and not self._folder.is_dir():
            raise LabError(
                f"Cannot open the coffee shop's database: its folder {self._folder} was deleted, perhaps by a clean-up "
                "of temporary files; `lab = await Lab.start()` makes a new database"
            )
        return self.environment[config.DATABASE_URL]

    @property
    def folder(self) -> Path:
        """The folder for logs and databases; if the folder is deleted, a running lab creates a new folder."""
        if self._client is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    @property
    def worker(self) -> WorkerProcess:
        """The first worker process, with the methods `kill`, `start` and `stop`."""
        return self._workers[0]

    @property
    def server(self) -> EmbeddedServer:
        """The server that this lab started. Raises LabError if the lab did not start a server."""
        if self._own_server is None:
            raise LabError(
                "This lab uses a server that it did not start, so it must not stop or kill that server; "
                "`await Lab.start(own_server=True)` starts a server for this lab alone"
            )
        return self._own_server

    def new_worker(self, module: str = "loyalty.worker", *task_queues: str) -> WorkerProcess:
        """Start another worker process with the command `python -m MODULE TASK_QUEUES`.

        `Lab.stop` also stops this worker process.
        """
        assert self.client
        for name, value in [("module", module), *(("task_queue", queue) for queue in task_queues)]:
            arguments.refuse_text(name, value, "loyalty.worker" if name == "module" else "customer-loyalty")
        return self._add_worker(module, *task_queues).start()

    def _add_worker(self, module: str = "loyalty.worker", *task_queues: str) -> WorkerProcess:
        worker = WorkerProcess(self.environment, self.folder, module, *task_queues)
        self._workers.append(worker)
        rest = rest_of_this_kernel()
        if rest is not None:
            rest.include(worker)
        return worker

    def uptimes(self) -> pd.DataFrame:
        """Return the uptimes of the lab's processes as a DataFrame; `uptime.frame` describes the columns.

        A server that this lab did not start has no rows.
        """
        server = self._own_server.uptimes() if self._own_server else []
        workers = [up for worker in self._workers for up in worker.uptimes()]
        return uptime.frame([*server, *self._inbox.uptimes(), *workers])

    def web_ui(self, customer: WorkflowHandle[Any, Any] | str | None = None) -> Link:
        """Return a link to a page of the Web UI: one workflow, or the list of workflows in this namespace."""
        if self.where.ui_url is None:
            raise LabError(f"Cannot link to the Web UI of the cluster at {self.where.address}: its address is unknown")
        path = f"{self.where.ui_url}/namespaces/{quote(self.namespace, safe='')}/workflows"
        if customer is None:
            return Link(path, "Temporal Web UI", WEB_UI)
        workflow_id = customer.id if isinstance(customer, WorkflowHandle) else customer
        arguments.refuse_text("customer", workflow_id, "customer-ada")
        return Link(f"{path}/{quote(workflow_id, safe='')}", f"{workflow_id} in the Temporal Web UI", WEB_UI)

    def _summary(self) -> Summary:
        web_ui = self.web_ui() if self.where.ui_url else None
        return summary_of(self._connection, self._workers, self._inbox, web_ui)

    def __repr__(self) -> str:
        return "Lab, stopped" if self._client is None else self._summary().as_text()

    def _repr_html_(self) -> str:
        return "<p>Lab, stopped</p>" if self._client is None else self._summary().as_html()
