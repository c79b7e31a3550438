"""The time to replay a customer's history, with and without the sandbox."""

from __future__ import annotations

import time

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from loyalty.lab import Lab, history, settled
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.bench.actors import MANY_SIGNALS, ONLY_HERE, start_adder, start_customer
from tests.bench.loader import load
from tests.bench.results import Row
from tests.bench.sandbox import SparedSandbox
from tests.bench.workflows import Adder

TITLE = "replay of a customer's history"
EVENTS = 10_000
ASKED = "the SDK reads a context three times per payload; in the sandbox each read takes 60 µs"


async def measure(rounds: int) -> list[Row]:
    """Record a history of 10,000 events for each workflow, and replay the history."""
    unit = f"s for {EVENTS:,} events"
    bare = Row("customer, without sandbox", unit, limit="the SDK's own work for each event")
    customer = Row("customer, in the sandbox", unit, against=bare, limit=ASKED)
    spared = Row("customer, in a sandbox with known contexts", unit, against=bare)
    adder = Row("workflow that only adds, in the sandbox", unit, against=bare, limit=ASKED)
    async with await Lab.start("bench-replay", own_server=True, limits=MANY_SIGNALS) as lab:
        lab.new_worker(ONLY_HERE)
        recorded, added = await _record(lab)
    for _ in range(rounds):
        customer.add(await _replay(Replayer(workflows=[CustomerLoyaltyWorkflow]), recorded))
        for row, runner in ((spared, SparedSandbox()), (bare, UnsandboxedWorkflowRunner())):
            replayer = Replayer(workflows=[CustomerLoyaltyWorkflow], workflow_runner=runner)
            row.add(await _replay(replayer, recorded))
        adder.add(await _replay(Replayer(workflows=[Adder]), added))
    return [customer, spared, bare, adder]


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
