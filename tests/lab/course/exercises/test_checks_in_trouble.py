"""Test exercise checks without a worker, server or namespace, and with gaps in the numbers of the tries."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator

import pytest
from temporalio.api.operatorservice.v1 import DeleteNamespaceRequest
from temporalio.client import Client

from loyalty.lab import Lab, settled
from loyalty.lab.client import notices
from loyalty.lab.course import exercises
from loyalty.lab.course.exercises.evidence import serving
from loyalty.lab.course.exercises.evidence.finding import LARGEST_GAP
from loyalty.messages import TASK_QUEUE, Customer, CustomerInput, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.support.helpers import Handle, eventually
from tests.support.tries import GRACE, HEDY, IDA, LINUS, hint_of

pytestmark = pytest.mark.slow

START_THE_WORKER = "Start the worker (`lab.worker.start()`, or the coffee shop's worker), then run this cell again"


@pytest.fixture
async def lab(in_session: None) -> AsyncIterator[Lab]:
    async with await Lab.start("checks") as lab:
        yield lab


async def open_account(lab: Lab, customer_id: str, points: int = 0, client: Client | None = None) -> Handle:
    return await (client or lab.client).start_workflow(
        CustomerLoyaltyWorkflow.run,
        CustomerInput(Customer(customer_id, points=points)),
        id=workflow_id(customer_id),
        task_queue=TASK_QUEUE,
    )


# ---- numbers that are left out --------------------------------------------------------------------------------


@pytest.mark.parametrize("right", ["grace-2", "grace-3", f"grace-{1 + LARGEST_GAP}"])
async def test_a_correct_try_passes_if_ids_with_smaller_numbers_are_unused(lab: Lab, right: str) -> None:
    await open_account(lab, right, points=500)
    assert (await exercises.check(GRACE, lab.client)).startswith("Done: ")


async def test_hint_suggests_the_next_free_id_after_a_gap(lab: Lab) -> None:
    newest, free = f"grace-{4 + LARGEST_GAP}", f"grace-{5 + LARGEST_GAP}"
    for wrong in ("grace", "grace-3", newest):
        await open_account(lab, wrong)
    hint = await hint_of(GRACE, lab.client)
    assert f"event 1 starts {workflow_id(newest)} with 0 points" in hint
    assert f"the customer id '{free}'" in hint
    await open_account(lab, free, points=500)
    assert (await exercises.check(GRACE, lab.client)).startswith("Done: ")


async def test_older_correct_try_passes_if_the_newer_try_is_wrong(lab: Lab) -> None:
    await open_account(lab, "grace-3", points=500)
    await settled(await open_account(lab, "grace"))
    assert (await exercises.check(GRACE, lab.client)).startswith("Done: ")


# ---- no worker ------------------------------------------------------------------------------------------------


async def test_exercise_check_reports_that_the_worker_was_killed(lab: Lab) -> None:
    lab.worker.kill()
    await open_account(lab, "grace", points=500)
    assert await hint_of(GRACE, lab.client) == (
        "Not yet: customer-grace has a message that waits for a worker, but no worker polls the task queue "
        f"'customer-loyalty'. {START_THE_WORKER}; or start the next try with the customer id 'grace-2', in "
        "Customer(...) and in the workflow's id"
    )
    lab.worker.start()
    assert (await exercises.check(GRACE, lab.client)).startswith("Done: ")


async def test_exercise_check_reports_that_no_worker_answers_a_query(lab: Lab) -> None:
    await settled(await open_account(lab, "hedy", points=1_000))
    lab.worker.kill()
    hint = await hint_of(HEDY, lab.client)
    assert "customer-hedy needs a worker to answer the query getStatus, but no worker polls the task queue" in hint
    assert START_THE_WORKER in hint


async def test_slow_exercise_check_prints_a_hint_with_the_workflow_id(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(notices, "HINT_AFTER_SECONDS", 0.3)
    monkeypatch.setattr(serving, "IDLE_SECONDS", 2.0)
    linus = await open_account(lab, "linus")
    await settled(linus)
    assert lab.worker.pid is not None
    os.kill(lab.worker.pid, signal.SIGSTOP)  # the server still lists the worker as a poller
    await linus.signal(CustomerLoyaltyWorkflow.add_points, 600)
    hint = await hint_of(LINUS, lab.client)
    assert "no worker has processed the newest message of customer-linus for 2 s" in hint
    # A slow start of customer-linus may print an earlier hint.
    said = capsys.readouterr().err
    assert "until a worker has processed all messages of customer-linus: the workflow is RUNNING, " in said


# ---- no server, no namespace ----------------------------------------------------------------------------------


async def test_exercise_check_reports_a_killed_server() -> None:
    async with await Lab.start("server-gone", own_server=True) as lab:
        await settled(await open_account(lab, "grace", points=500))
        lab.server.kill()
        hint = await hint_of(GRACE, lab.client)
    assert "no Temporal server answers at 127.0.0.1:" in hint
    assert hint.endswith("`await lab.server.start()` starts it again. Then run this cell again")


async def test_exercise_check_reports_a_stopped_lab(lab: Lab) -> None:
    client = lab.client
    await lab.stop()
    hint = await hint_of(GRACE, client)
    assert "of a lab that was stopped" in hint
    assert hint.endswith("Then run this cell again")


async def test_exercise_check_reports_an_unknown_namespace(lab: Lab) -> None:
    elsewhere = await Client.connect(lab.where.address, namespace="elsewhere")
    assert await hint_of(GRACE, elsewhere) == (
        "Not yet: the server has no namespace 'elsewhere'. Call this check with lab.client, the client of a running lab"
    )


async def test_exercise_check_reports_a_deleted_namespace(lab: Lab) -> None:
    await lab.client.operator_service.delete_namespace(DeleteNamespaceRequest(namespace=lab.client.namespace))
    gone = f"The namespace {lab.client.namespace} does not exist any more"
    await eventually(
        lambda: hint_of(IDA, lab.client),
        lambda hint: gone in hint,
        waiting_for="a hint about the namespace",
        timeout=20,
    )


async def test_exercise_check_finds_a_workflow_in_the_default_namespace(lab: Lab) -> None:
    default = await Client.connect(lab.where.address)
    grace = await open_account(lab, "grace", points=500, client=default)
    try:
        hint = await hint_of(GRACE, lab.client)
    finally:
        await grace.terminate()
    assert "but the namespace 'default' has a workflow with this id. Start the workflow with lab.client" in hint
