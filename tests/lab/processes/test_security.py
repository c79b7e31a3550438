"""Only the learner has access: processes listen on loopback, the Web UI needs the token, and no secret is shown."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from http.client import HTTPMessage
from pathlib import Path
from traceback import format_exception
from typing import IO, Any, TypeAlias

import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from loyalty import config
from loyalty.lab import Lab
from loyalty.lab.processes.ports import ReservedPort
from loyalty.lab.server.address import PUBLIC_PATH
from tests.support.helpers import eventually
from tests.support.jupyterlab import BASE, run

pytestmark = pytest.mark.slow

API_KEY = "an-api-key-of-this-test"
GUESSED = "a-guessed-token"

Listening: TypeAlias = dict[int, set[tuple[str, int]]]
"""The addresses and ports on which each process listens, by process id."""


def listening(root: int) -> Listening:
    """Return the listening sockets (TCP and UDP) of a process and its descendants; the keys are process ids."""
    found: Listening = {}
    for process in [psutil.Process(root), *psutil.Process(root).children(recursive=True)]:
        try:
            sockets = process.net_connections(kind="inet")
        except psutil.NoSuchProcess:
            continue
        reachable = {
            (one.laddr[0], one.laddr[1])
            for one in sockets
            if one.laddr and one.status in (psutil.CONN_LISTEN, psutil.CONN_NONE)
        }
        if reachable:
            found[process.pid] = reachable
    return found


def opened(before: Listening, after: Listening) -> Listening:
    """Return the sockets that are in `after`, but not in `before`."""
    new = {pid: sockets - before.get(pid, set()) for pid, sockets in after.items()}
    return {pid: sockets for pid, sockets in new.items() if sockets}


def ports(sockets: set[tuple[str, int]]) -> set[int]:
    return {port for _, port in sockets}


def is_on_loopback_only(found: Listening) -> bool:
    return all(ipaddress.ip_address(address).is_loopback for sockets in found.values() for address, _ in sockets)


def inbox_port(lab: Lab) -> int:
    return int(lab.inbox.url.rpartition(":")[2])


def command_lines(root: int) -> str:
    """Return the command lines of a process and its descendants. Each user of the machine can read command lines."""
    processes = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
    return "\n".join(" ".join(process.cmdline()) for process in processes)


def written(folder: Path) -> str:
    """Return the text of all logs below a folder."""
    return "\n".join(file.read_text(errors="replace") for file in folder.rglob("*.log"))


# ---- a lab outside of JupyterLab -------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["in memory", "in a file"])
async def test_lab_opens_only_loopback_ports_for_server_and_inbox(where: str, tmp_path: Path) -> None:
    database = tmp_path / "temporal.db" if where == "in a file" else None
    before = listening(os.getpid())
    async with await Lab.start("sockets", own_server=True, database=database) as lab:
        lab.new_worker()
        found = opened(before, listening(os.getpid()))
        assert is_on_loopback_only(found), f"Other machines can connect to {found}"
        assert set(found) == {os.getpid(), lab.server.pid}, "Workers and guardians do not listen"
        assert ports(found[os.getpid()]) == {inbox_port(lab)}
        assert ports(found[lab.server.pid]) >= set(lab.where.ports)
    assert opened(before, listening(os.getpid())) == {}, "A stopped lab does not listen"


@pytest.fixture
async def attached(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lab]:
    """A lab whose environment contains the address of a cluster and an API key."""
    async with await Lab.start("secrets", own_server=True, worker=False) as cluster:
        monkeypatch.setenv("TEMPORAL_ADDRESS", cluster.where.address)
        monkeypatch.setenv("TEMPORAL_NAMESPACE", cluster.namespace)
        monkeypatch.setenv("TEMPORAL_API_KEY", API_KEY)
        monkeypatch.setenv("TEMPORAL_TLS", "false")  # an API key switches TLS on, and the embedded server has no TLS
        async with await Lab.start() as attached:
            yield attached


async def test_lab_with_a_cluster_opens_one_port_and_hides_the_api_key(
    attached: Lab, capfd: pytest.CaptureFixture[str]
) -> None:
    assert attached.client.service_client.config.api_key == API_KEY, "The lab uses the key"
    before = listening(os.getpid())
    attached.inbox.stop()
    assert opened(listening(os.getpid()), before) == {os.getpid(): {("127.0.0.1", inbox_port(attached))}}
    assert "Serving task queue" in attached.worker.log()
    shown = [
        repr(attached),
        attached._repr_html_(),
        repr(attached.client),
        written(attached.folder),
        *capfd.readouterr(),
    ]
    assert API_KEY not in "\n".join([*shown, command_lines(os.getpid())])


async def test_error_about_an_unreachable_cluster_hides_the_api_key() -> None:
    environment = {"TEMPORAL_ADDRESS": f"127.0.0.1:{ReservedPort().number}", "TEMPORAL_API_KEY": API_KEY}
    with pytest.raises(config.ConfigurationError) as refused:
        await config.connect(environment)
    assert API_KEY not in str(refused.value)


@pytest.mark.parametrize("line", [f'api_key = "{API_KEY}', f"api_key = {API_KEY}"], ids=["half a quote", "no quotes"])
def test_error_about_a_wrong_configuration_file_hides_the_api_key(line: str, tmp_path: Path) -> None:
    file = tmp_path / "temporal.toml"
    file.write_text(f"[profile.default]\n{line}\n")
    with pytest.raises(config.ConfigurationError) as refused:
        config.cluster({"TEMPORAL_CONFIG_FILE": str(file)})
    assert API_KEY not in "".join(format_exception(refused.value))


# ---- JupyterLab, as `python -m loyalty.lab` starts it ---------------------------------------------------------


@dataclass
class Session:
    """A JupyterLab with a token, and facts about two labs in one kernel."""

    pid: int
    origin: str
    token: str
    terminal: Path
    kernel_ports: set[int]
    without_labs: Listening
    with_first: Listening
    with_both: Listening
    first: dict[str, Any]
    second: dict[str, Any]


LOOK = """
import json
from pathlib import Path
from loyalty.lab import Lab
lab = await Lab.start({arguments})
print(json.dumps({{
    "ports": lab.where.ports, "inbox": int(lab.inbox.url.rpartition(":")[2]), "link": lab.web_ui("customer-ada").url,
    "namespace": lab.namespace, "shown": repr(lab) + lab._repr_html_() + repr(lab.web_ui()), "folder": str(lab.folder),
}}))
"""


def start_jupyterlab(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start JupyterLab as `make lab` does, with an API key in the environment.

    JupyterLab writes its files into `folder`.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JPY_", "JUPYTER"))}
    places = {"JUPYTER_RUNTIME_DIR": str(folder), "JUPYTER_CONFIG_DIR": str(folder)}
    arguments = ["--no-browser", f"--ServerApp.base_url={BASE}", f"--port={port}"]
    with (folder / "terminal").open("wb") as terminal:
        return subprocess.Popen(
            [sys.executable, "-m", "loyalty.lab", *arguments],
            env={**inherited, **places, "TEMPORAL_API_KEY": API_KEY},
            stdout=terminal,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def new_kernel(folder: Path, url: str, token: str) -> BlockingKernelClient:
    """Start a kernel in JupyterLab, and connect to the kernel directly."""
    # The first kernel starts after the fork server has imported the shared modules.
    created = json.loads(fetch(f"{url}api/kernels", token, data=b"{}", timeout=60).body)
    kernel = BlockingKernelClient(connection_file=str(folder / f"kernel-{created['id']}.json"))
    kernel.load_connection_file()
    kernel.start_channels(hb=False)
    kernel.wait_for_ready(timeout=60)
    run(kernel, "import loyalty.lab.lab")
    return kernel


@pytest.fixture(scope="module")
async def session(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Session]:
    folder = tmp_path_factory.mktemp("jupyter")
    reserved = ReservedPort()
    jupyter = start_jupyterlab(folder, reserved.number)
    server_file = folder / f"jpserver-{jupyter.pid}.json"
    with ExitStack() as stack:
        stack.callback(jupyter.kill)
        stack.callback(jupyter.wait, 20)
        stack.callback(jupyter.terminate)
        await eventually(
            lambda: server_file.exists() and server_file.read_text(), waiting_for="JupyterLab to start", timeout=60
        )
        server = json.loads(server_file.read_text())
        origin, token = f"http://127.0.0.1:{server['port']}", server["token"]
        url = origin + BASE
        await eventually(
            lambda: fetch(f"{url}api/status", token).status == 200, waiting_for="JupyterLab to answer", timeout=30
        )
        kernel = new_kernel(folder, url, token)
        stack.callback(kernel.context.destroy, linger=0)  # the garbage collector may wait forever for this context
        stack.callback(kernel.stop_channels)
        without_labs = listening(jupyter.pid)
        first = json.loads(run(kernel, LOOK.format(arguments="'first'")))
        with_first = listening(jupyter.pid)
        second = json.loads(run(kernel, LOOK.format(arguments="'second', own_server=True")))
        yield Session(
            pid=jupyter.pid,
            origin=origin,
            token=token,
            terminal=folder / "terminal",
            kernel_ports={getattr(kernel, f"{name}_port") for name in ("shell", "iopub", "stdin", "control", "hb")},
            without_labs=without_labs,
            with_first=with_first,
            with_both=listening(jupyter.pid),
            first=first,
            second=second,
        )


@dataclass
class Answer:
    """The answer of a server; `status` is 0 if no server answers."""

    status: int
    body: str = ""
    location: str = ""


class StayHere(urllib.request.HTTPRedirectHandler):
    """Does not follow redirections, so a redirection to the login page is returned as the answer."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def fetch(url: str, token: str | None = None, data: bytes | None = None, timeout: float = 10) -> Answer:
    """Send a request with or without a token, and return the answer."""
    headers = {"Authorization": f"token {token}"} if token else {}
    try:
        opener = urllib.request.build_opener(StayHere)
        with opener.open(urllib.request.Request(url, data=data, headers=headers), timeout=timeout) as page:
            return Answer(page.status, page.read().decode(errors="replace"))
    except urllib.error.HTTPError as refused:
        return Answer(refused.code, refused.read().decode(errors="replace"), refused.headers.get("Location", ""))
    except OSError:
        return Answer(0)


def test_jupyterlab_session_listens_on_loopback_only(session: Session) -> None:
    assert is_on_loopback_only(session.with_both), f"Other machines can connect to {session.with_both}"


def test_session_opens_ports_only_for_jupyterlab_and_server_and_kernel(session: Session) -> None:
    jupyter = session.without_labs[session.pid]
    assert ports(jupyter) == {int(session.origin.rpartition(":")[2])}
    others = [ports(sockets) for pid, sockets in session.without_labs.items() if pid != session.pid]
    assert len(others) == 2, "Beside JupyterLab, only a kernel and the Temporal server listen"
    assert any(found >= session.kernel_ports for found in others)
    assert any(found >= set(session.first["ports"]) for found in others)


def test_lab_in_a_session_opens_only_the_port_of_its_inbox(session: Session) -> None:
    (sockets,) = opened(session.without_labs, session.with_first).values()
    assert ports(sockets) == {session.first["inbox"]}


def test_lab_in_a_session_can_open_ports_for_its_own_server(session: Session) -> None:
    inbox, server = sorted(opened(session.with_first, session.with_both).values(), key=len)
    assert ports(inbox) == {session.second["inbox"]}
    assert ports(server) >= set(session.second["ports"])


def web_ui_addresses(session: Session) -> Iterator[str]:
    """Yield the paths of the Web UI's page, files and data below JupyterLab's address."""
    for lab in (session.first, session.second):
        _, ui_port = lab["ports"]
        yield lab["link"]
        for host in ("absolute/", "", "localhost:", "absolute/localhost:"):
            for path in (
                "",
                "/namespaces",
                "/api/v1/namespaces",
                f"{BASE}proxy/{ui_port}{PUBLIC_PATH}/api/v1/namespaces",
            ):
                yield f"{BASE}proxy/{host}{ui_port}{path}"


@pytest.mark.parametrize("token", [None, GUESSED], ids=["no token", "a guessed token"])
@pytest.mark.parametrize("place", ["header", "query"])
def test_request_to_the_web_ui_without_the_token_is_refused(session: Session, token: str | None, place: str) -> None:
    for path in web_ui_addresses(session):
        query = f"?token={token or ''}" if place == "query" else ""
        answer = fetch(session.origin + path + query, token if place == "header" else None)
        assert answer.status == 403 or (answer.status == 302 and answer.location.startswith(f"{BASE}login?")), (
            f"{path} answers {answer.status} {answer.location} instead of requesting the token"
        )
        for lab in (session.first, session.second):
            assert lab["namespace"] not in answer.body
        assert "temporal" not in answer.body.lower().replace(path.lower(), "")


async def test_web_ui_and_its_data_are_available_with_the_token(session: Session) -> None:
    for lab in (session.first, session.second):
        page = fetch(session.origin + lab["link"], session.token)
        assert page.status == 200
        assert "<html" in page.body
        data = f"{session.origin}{BASE}proxy/{lab['ports'][1]}{PUBLIC_PATH}/api/v1/namespaces"
        # The Web UI's first request to the server may come too early. It repeats the request after a second.
        there = await eventually(
            partial(fetch, data, session.token), lambda answer: answer.status == 200, waiting_for="the Web UI's data"
        )
        assert lab["namespace"] in there.body


def test_long_token_appears_only_in_the_jupyterlab_address(session: Session) -> None:
    assert len(session.token) >= 32, "JupyterLab generates a token if the learner sets none"
    shown = [line for line in session.terminal.read_text().splitlines() if session.token in line]
    assert shown, "Without a browser, the learner needs the address with the token"
    assert all(f"{BASE}lab" in line and f"?token={session.token}" in line for line in shown)
    assert session.token not in shown_by_labs(session)


def test_api_key_from_the_environment_is_never_shown(session: Session) -> None:
    assert "with a Temporal server at 127.0.0.1" in session.terminal.read_text()
    assert API_KEY not in session.terminal.read_text()
    assert API_KEY not in shown_by_labs(session)


def shown_by_labs(session: Session) -> str:
    """Return the outputs and logs of the labs, and the command lines of all processes."""
    labs = [session.first, session.second]
    logs = "\n".join(written(Path(lab["folder"])) for lab in labs)
    assert logs.count("Serving task queue") == len(labs), "The logs of both workers are read"
    return "\n".join([*(lab["shown"] + lab["link"] for lab in labs), logs, command_lines(session.pid)])
