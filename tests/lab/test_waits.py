"""Each wait of the lab prints a hint after some seconds, and raises an error at the deadline."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.operatorservice.v1 import DeleteNamespaceRequest
from temporalio.api.workflowservice.v1 import (
    GetWorkflowExecutionHistoryResponse,
    PollWorkflowExecutionUpdateResponse,
)
from temporalio.client import WorkflowHandle, WorkflowUpdateStage
from temporalio.service import RPCError, RPCStatusCode

from loyalty.lab import Lab, LabError, history, settled, until
from loyalty.lab.client import notices
from loyalty.lab.client.call_errors import LabWasStopped, NamespaceIsGone, ServerIsGone, Unanswered
from loyalty.lab.errors import WaitedTooLong
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.support.lab_accounts import open_account

pytestmark = pytest.mark.slow

Handle = WorkflowHandle[CustomerLoyaltyWorkflow, None]

NO_WORKER = r"the workflow is RUNNING, and no worker polls its task queue custmer; no worker process of this lab runs"


@pytest.fixture
async def lab(in_session: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lab]:
    async with await Lab.start("waits", worker=False, patience=2.5) as lab:
        monkeypatch.setattr(notices, "HINT_AFTER_SECONDS", 0.3)
        yield lab


# ---- mail -----------------------------------------------------------------------------------------------------


async def test_hint_about_a_missing_email_mentions_that_no_customer_runs(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = "0 e-mails have arrived: no customer runs here; did you run the cell above?"
    with pytest.raises(WaitedTooLong) as late:
        await lab.inbox.wait_for(1, timeout=1)
    assert str(late.value) == f"Waited 1 s until 1 e-mail arrives; {missing}"
    assert capsys.readouterr().err == f"Still waiting until 1 e-mail arrives, 1 s at most; {missing}\n"


async def test_hint_about_a_missing_email_mentions_customers_and_addresses(lab: Lab) -> None:
    lab.worker.start()
    await open_account(lab)
    await lab.inbox.wait_for(1, to="ada@example.com")
    with pytest.raises(WaitedTooLong) as late:
        await lab.inbox.wait_for(2, to="ida@example.com", timeout=0.5)
    assert str(late.value) == (
        "Waited 0.5 s until 2 e-mails for ida@example.com arrive; 0 e-mails have arrived (e-mails have "
        "arrived for ada@example.com): workflows that run here: customer-ada; did you run all cells above?"
    )
    with pytest.raises(WaitedTooLong, match="until 2 e-mails arrive; 1 e-mail has arrived: "):
        await lab.inbox.wait_for(2, timeout=0.5)


async def test_hint_about_a_missing_email_mentions_that_a_task_queue_has_no_worker(lab: Lab) -> None:
    await open_account(lab, task_queue="custmer")
    with pytest.raises(WaitedTooLong, match="customer-ada runs, and no worker polls its task queue custmer"):
        await lab.inbox.wait_for(1, timeout=1)


async def test_hint_about_a_missing_email_mentions_the_stopped_inbox(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.inbox.stop()
    with pytest.raises(LabError, match=r"Cannot wait for an e-mail: the inbox is stopped; `lab.inbox.start"):
        await lab.inbox.wait_for(1, timeout=1)
    assert "the inbox is stopped" in capsys.readouterr().err


async def test_no_hint_is_printed_if_the_email_arrives_in_time(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    notices.HINT_AFTER_SECONDS = 30.0  # the fixture's monkeypatch restores the old value
    lab.worker.start()
    await open_account(lab)
    await lab.inbox.wait_for(1)
    assert capsys.readouterr().err == ""


# ---- conditions -----------------------------------------------------------------------------------------------


async def test_the_condition_is_printed_only_once_during_a_long_wait(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "HINT_AFTER_SECONDS", 0.3)
    with pytest.raises(WaitedTooLong, match="Waited 1 s until pigs fly, but this did not happen"):
        await until(lambda: False, "pigs fly", timeout=1)
    assert capsys.readouterr().err == "Still waiting until pigs fly, 1 s at most\n"


async def test_hint_about_open_tasks_mentions_that_a_task_queue_has_no_worker(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = await open_account(lab, task_queue="custmer")
    with pytest.raises(WaitedTooLong, match=f"nothing to do but to wait, but this did not happen: {NO_WORKER}"):
        await settled(ada, timeout=1)
    assert "no worker polls its task queue custmer" in capsys.readouterr().err


async def test_hint_about_open_tasks_mentions_the_failing_activity(lab: Lab) -> None:
    lab.worker.start()
    lab.inbox.stop()
    ada = await open_account(lab)

    async def failed() -> bool:
        return any(one.attempt > 1 for one in (await ada.describe()).raw_description.pending_activities)

    await until(failed, "an e-mail has failed")
    with pytest.raises(
        WaitedTooLong, match=r"the workflow is RUNNING, and attempt \d+ of its activity sendEmail failed \("
    ):
        await settled(ada, timeout=0.5)


# ---- calls ----------------------------------------------------------------------------------------------------

CALLS: dict[str, Callable[[Handle], Awaitable[Any]]] = {
    "the query getStatus": lambda ada: ada.query("getStatus"),
    "the update addLoyaltyPoint": lambda ada: ada.execute_update("addLoyaltyPoint", 1),
    "the update addLoyaltyPoint ": lambda ada: ada.start_update(
        "addLoyaltyPoint", 1, wait_for_stage=WorkflowUpdateStage.ACCEPTED
    ),
    "the result": lambda ada: ada.result(),
}


@pytest.mark.parametrize("what", CALLS)
async def test_hint_about_a_call_mentions_that_a_task_queue_has_no_worker(
    lab: Lab, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    ada = await open_account(lab, task_queue="custmer")
    with pytest.raises(WaitedTooLong, match=rf"Waited \d s for {what.strip()} of customer-ada; {NO_WORKER}"):
        await CALLS[what](ada)
    said = capsys.readouterr().err
    assert said.startswith(
        f"Still waiting for {what.strip()} of customer-ada, 2.5 s at most: the workflow is RUNNING, and no"
    )
    assert said.count("Still waiting") == 1


async def test_a_result_that_does_not_arrive_raises_an_error_at_the_deadline(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.worker.start()
    ada = await open_account(lab)
    update = await ada.start_update("addLoyaltyPoint", 1, wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    update._known_outcome = None  # an update that is accepted and not completed
    lab.worker.kill()
    poll = PollWorkflowExecutionUpdateResponse()

    async def not_yet(*_: Any, **__: Any) -> PollWorkflowExecutionUpdateResponse:
        await asyncio.sleep(0.1)
        return poll

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lab.client.workflow_service, "poll_workflow_execution_update", not_yet)
        with pytest.raises(WaitedTooLong, match="for the result of the update addLoyaltyPoint of customer-ada; the"):
            await asyncio.wait_for(update.result(), 20)
    assert "Still waiting for the result of the update" in capsys.readouterr().err


async def test_error_mentions_the_task_queues_that_the_workers_poll(lab: Lab) -> None:
    lab.worker.start()
    ada = await open_account(lab, task_queue="custmer")
    with pytest.raises(WaitedTooLong, match="task queue custmer; the workers of this lab poll customer-loyalty"):
        await ada.query("getStatus")


async def test_error_explains_that_the_worker_process_has_ended(lab: Lab) -> None:
    lab.worker.start()
    ada = await open_account(lab)
    await settled(ada)
    lab.worker.kill()  # the server lists the dead worker as a poller for minutes
    with pytest.raises(WaitedTooLong, match=r"no worker process of this lab runs; `lab.worker.start\(\)` starts one"):
        await ada.query("getStatus")


async def test_waiting_for_the_result_of_a_running_workflow_fails_at_the_deadline(lab: Lab) -> None:
    lab.worker.start()
    ada = await open_account(lab)
    with pytest.raises(
        WaitedTooLong, match=r"Waited \d s for the result of customer-ada; the workflow is RUNNING, and a worker"
    ):
        await asyncio.wait_for(ada.result(), 20)


async def test_an_empty_history_page_does_not_extend_the_deadline(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await open_account(lab)

    async def nothing_new(*_: Any, **__: Any) -> GetWorkflowExecutionHistoryResponse:
        await asyncio.sleep(1)  # the server sends such an answer after 20 s without a new event
        return GetWorkflowExecutionHistoryResponse(next_page_token=b"more")

    monkeypatch.setattr(lab.client.workflow_service, "get_workflow_execution_history", nothing_new)
    with pytest.raises(WaitedTooLong, match="for the result of customer-ada"):
        await asyncio.wait_for(ada.result(), 20)


async def test_a_call_with_an_rpc_timeout_raises_the_error_of_the_sdk(lab: Lab) -> None:
    ada = await open_account(lab, task_queue="custmer")
    with pytest.raises(RPCError) as late:
        await ada.query("getStatus", rpc_timeout=timedelta(seconds=1))
    assert not isinstance(late.value, LabError)


async def test_error_after_a_server_timeout_mentions_the_missing_worker(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await open_account(lab, task_queue="custmer")
    error = RPCError("Timeout expired", RPCStatusCode.CANCELLED, b"")

    async def times_out(*_: Any, **__: Any) -> None:
        await asyncio.sleep(0.5)  # the server ends a query after 30 s
        raise error

    monkeypatch.setattr(lab.client.workflow_service, "query_workflow", times_out)
    with pytest.raises(Unanswered, match=f"{NO_WORKER}.* \\(Timeout expired\\)") as late:
        await ada.query("getStatus")
    assert late.value.status == RPCStatusCode.CANCELLED


async def test_ten_concurrent_calls_print_only_one_hint(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    notices.HINT_AFTER_SECONDS = 1.5
    customers = [await open_account(lab, f"no-{number}", task_queue="custmer") for number in range(10)]
    await asyncio.gather(*(one.query("getStatus") for one in customers), return_exceptions=True)
    assert capsys.readouterr().err.count("Still waiting") == 1


# ---- a server, a namespace or a lab that is gone ---------------------------------------------------------------

ANY_CALL: dict[str, Callable[[Lab, Handle], Awaitable[Any]]] = {
    "signal": lambda _, ada: ada.signal("addPoints", 1),
    "query": lambda _, ada: ada.query("getStatus"),
    "update": lambda _, ada: ada.execute_update("addLoyaltyPoint", 1),
    "describe": lambda _, ada: ada.describe(),
    "cancel": lambda _, ada: ada.cancel(),
    "terminate": lambda _, ada: ada.terminate(),
    "result": lambda _, ada: ada.result(),
    "start": lambda lab, _: open_account(lab, "bob"),
    "count": lambda lab, _: lab.client.count_workflows(),
    "list": lambda lab, _: anext(aiter(lab.client.list_workflows())),
    "history": lambda _, ada: history.frame(ada),
    "settled": lambda _, ada: settled(ada),
    "schedules": lambda lab, _: lab.client.get_schedule_handle("no").describe(),
}


async def failures(lab: Lab, ada: Handle) -> dict[str, BaseException]:
    """Make all calls at the same time, and return their errors; fail after eight seconds."""

    async def make(call: Callable[[Lab, Handle], Awaitable[Any]]) -> Any:
        return await call(lab, ada)

    async with asyncio.timeout(8):  # without the lab, the SDK retries for ten seconds
        raised = await asyncio.gather(*(make(call) for call in ANY_CALL.values()), return_exceptions=True)
    return dict(zip(ANY_CALL, raised, strict=True))


async def test_every_call_to_a_killed_server_fails_within_eight_seconds() -> None:
    async with await Lab.start("killed", own_server=True, worker=False) as lab:
        ada = await open_account(lab)
        lab.server.kill()
        for call, error in (await failures(lab, ada)).items():
            assert isinstance(error, ServerIsGone), call
            assert f"no Temporal server answers at {lab.where.address}; `await lab.server.start()`" in str(error)
            assert isinstance(error, RPCError)  # a program in production handles this type
            assert error.status == RPCStatusCode.UNAVAILABLE


async def test_a_call_is_answered_after_the_server_starts_again(tmp_path: Path) -> None:
    async with await Lab.start("again", database=tmp_path / "temporal.db") as lab:
        ada = await open_account(lab)
        lab.server.kill()
        signal = asyncio.create_task(ada.signal("addPoints", 5))
        await lab.server.start()
        await signal
        assert (await ada.query(CustomerLoyaltyWorkflow.get_status)).points == 5


async def test_every_call_to_a_deleted_namespace_raises_a_namespace_error(lab: Lab) -> None:
    ada = await open_account(lab)
    await lab.client.operator_service.delete_namespace(DeleteNamespaceRequest(namespace=lab.namespace))

    async def is_gone() -> bool:
        return all(isinstance(error, NamespaceIsGone) for error in (await failures(lab, ada)).values())

    await until(is_gone, "the server has forgotten the namespace", timeout=20)
    with pytest.raises(RPCError, match=f"namespace {lab.namespace} does not exist any more .* Run the cells again"):
        await ada.signal("addPoints", 1)


async def test_every_call_to_a_stopped_lab_raises_a_lab_error(lab: Lab) -> None:
    ada, namespace = await open_account(lab), lab.namespace
    await lab.stop()
    for call, error in (await failures(lab, ada)).items():
        assert isinstance(error, LabError), call
        assert "stopped" in str(error)
    with pytest.raises(LabWasStopped, match=f"this call uses the namespace {namespace} of a lab that was stopped"):
        await ada.signal("addPoints", 1)
    with pytest.raises(LabError, match="This lab was stopped"):
        await asyncio.wait_for(lab.inbox.wait_for(1), 1)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows has no SIGSTOP")
async def test_a_call_to_a_suspended_server_fails_at_the_deadline() -> None:
    async with await Lab.start("still", own_server=True, worker=False, patience=3) as lab:
        ada = await open_account(lab)
        os.kill(lab.server.pid, signal.SIGSTOP)
        try:
            with pytest.raises(WaitedTooLong, match=f"the Temporal server at {lab.where.address} does not answer"):
                await asyncio.wait_for(ada.signal("addPoints", 1), 15)
        finally:
            os.kill(lab.server.pid, signal.SIGCONT)
