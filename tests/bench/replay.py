"""Replay: how long a worker needs to bring a customer back from her history, with the sandbox and without."""

from __future__ import annotations

import time

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from loyalty.lab import Lab, history, settled
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.bench.actors import MANY_SIGNALS, ONLY_HERE, start_adder, start_customer
from tests.bench.loader import load
from tests.bench.results import Row
from tests.bench.workflows import Adder

TITLE = "bringing a customer back from her history"
EVENTS = 10_000


async def measure(rounds: int) -> list[Row]:
    """Record one history of 10,000 events of each workflow, and replay it."""
    customer = Row("customer, in the sandbox", f"s for {EVENTS:,} events")
    bare = Row("customer, without sandbox", customer.unit)
    adder = Row("workflow that only adds, in the sandbox", customer.unit)
    customer.against, adder.against = bare, bare
    async with await Lab.start("bench-replay", own_server=True, limits=MANY_SIGNALS) as lab:
        lab.new_worker(ONLY_HERE)
        recorded, added = await _record(lab)
    for _ in range(rounds):
        customer.values.append(await _replay(Replayer(workflows=[CustomerLoyaltyWorkflow]), recorded))
        bare.values.append(
            await _replay(
                Replayer(workflows=[CustomerLoyaltyWorkflow], workflow_runner=UnsandboxedWorkflowRunner()), recorded
            )
        )
        adder.values.append(await _replay(Replayer(workflows=[Adder]), added))
    return [customer, bare, adder]


async def _record(lab: Lab) -> tuple[WorkflowHistory, WorkflowHistory]:
    ada, adder = await start_customer(lab, "0"), await start_adder(lab, "0")
    for handle, prefix in ((ada, "customer-"), (adder, "adder-")):
        while (await handle.describe()).history_length < EVENTS:
            await load(lab, prefix, 1, 500, 20)
        await settled(handle)
    (first,), (second,) = await history.fetch(ada), await history.fetch(adder)
    return first, second


async def _replay(replayer: Replayer, recorded: WorkflowHistory) -> float:
    started = time.perf_counter()
    await replayer.replay_workflow(recorded)
    return (time.perf_counter() - started) * EVENTS / len(recorded.events)
