"""The lab records when each of its processes was up, and how each process ended."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from loyalty.lab import Lab, history, settled, until
from loyalty.lab.processes import uptime
from loyalty.lab.processes.uptime import Uptime
from loyalty.messages import TASK_QUEUE, Customer, CustomerInput, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow

pytestmark = pytest.mark.slow

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_uptimes_are_sorted_and_a_running_process_has_no_end_time() -> None:
    second = Uptime("worker", "worker 2", "2@host", NOON + timedelta(seconds=5))
    first = Uptime("worker", "worker 1", "1@host", NOON, NOON + timedelta(seconds=3), "killed")
    frame = uptime.frame([second, first])
    assert list(frame.name) == ["worker 1", "worker 2"]
    assert list(frame.end.isna()) == [False, True]
    assert str(frame.begin.dtype).endswith("UTC]")


def test_dataframe_has_the_usual_columns_if_there_are_no_uptimes() -> None:
    assert list(uptime.frame([]).columns) == ["role", "name", "identity", "begin", "end", "ended_by"]


async def test_each_uptime_of_a_worker_contains_the_worker_identity() -> None:
    async with await Lab.start("uptimes", own_server=True) as lab:
        customer = await lab.client.start_workflow(
            CustomerLoyaltyWorkflow.run,
            CustomerInput(Customer("ada")),
            id=workflow_id("ada"),
            task_queue=TASK_QUEUE,
        )
        await settled(customer)
        lab.worker.kill()
        lab.worker.start()
        lab.worker.stop()
        events = await history.frame(customer)
        workers = lab.uptimes().query("role == 'worker'")
    assert list(workers.name) == ["worker 1", "worker 2"]
    assert list(workers.ended_by) == ["killed", "stopped"]
    assert (workers.begin < workers.end).all()
    served = events[events.type == "WorkflowTaskCompleted"].identity
    assert set(served) == {workers.identity.iloc[0]}, "The history names the identity of the first worker process"


async def test_unexpected_end_of_a_process_is_recorded_as_died() -> None:
    async with await Lab.start("uptimes", own_server=True) as lab:
        pid = lab.worker.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)  # the lab did not send this signal
        await until(
            lambda: list(lab.uptimes().query("role == 'worker'").ended_by) == ["died"],
            "the lab records how the worker ended",
        )


async def test_outage_is_the_gap_between_two_uptimes() -> None:
    async with await Lab.start("uptimes", own_server=True, worker=False) as lab:
        lab.inbox.stop()
        lab.server.kill()
        await lab.server.start()
        lab.inbox.start()
        frame = lab.uptimes()
    for role, how in (("mail server", "stopped"), ("Temporal server", "killed")):
        before, after = (up for _, up in frame[frame.role == role].iterrows())
        assert before.ended_by == how
        assert before.end < after.begin
        assert pd.isna(after.end), f"the {role} is up again"
