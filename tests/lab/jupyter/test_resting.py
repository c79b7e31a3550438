"""A notebook's workers stop while another notebook runs cells, and start again with the next cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from loyalty.lab.jupyter import resting
from tests.support.helpers import eventually
from tests.support.jupyterlab import Session, descendants, jupyterlab, run

pytestmark = pytest.mark.slow

QUICK = "from loyalty.lab.jupyter import resting; resting.REST_AFTER_SECONDS, resting.LOOK_EVERY_SECONDS = {}, 0.1"
START_LAB = "from loyalty.lab import Lab; lab = await Lab.start(); second = lab.new_worker()"
PIDS = "print(lab.worker.pid, second.pid)"
START_ADA = """from loyalty.workflow import CustomerLoyaltyWorkflow
from loyalty.messages import Customer, CustomerInput
account = CustomerInput(Customer("ada", email="ada@example.com"))
ada = await lab.client.start_workflow(
    CustomerLoyaltyWorkflow.run, account, id="customer-ada", task_queue="customer-loyalty"
)
await ada.signal("addPoints", 5)"""
POINTS = """from loyalty.lab import until
async def counted(): return (await ada.query(CustomerLoyaltyWorkflow.get_status)).points == 10
await until(counted, "Ada has 10 points")"""


def workers_of(session: Session) -> set[int]:
    return {
        pid
        for pid, command in descendants(session.process.pid).items()
        if "run_module.py" in command and "guardian" not in command
    }


async def test_workers_stop_while_another_notebook_is_in_use(tmp_path: Path) -> None:
    async with jupyterlab(tmp_path) as session:
        first, other = session.new_kernel(), session.new_kernel()
        run(first, QUICK.format(1) + "\n" + START_LAB + "\n" + START_ADA)
        before = {int(pid) for pid in run(first, PIDS).split()}
        run(other, START_LAB)
        others = {int(pid) for pid in run(other, PIDS).split()}
        assert len(before) == len(others) == 2

        await eventually(lambda: workers_of(session) == others, waiting_for="the first notebook's workers to end")
        said = run(first, 'await ada.signal("addPoints", 5)\n' + POINTS + "\n" + PIDS).splitlines()
        assert said[0] == "Another notebook ran cells; this notebook's workers start again: 2."
        again = {int(pid) for pid in said[-1].split()}
        assert not again & before
        assert again | others == workers_of(session)
        assert run(first, "print(set(lab.uptimes().ended_by.dropna()))") == "{'stopped'}\n"


async def test_worker_that_the_learner_has_killed_does_not_start_again(tmp_path: Path) -> None:
    async with jupyterlab(tmp_path) as session:
        first, other = session.new_kernel(), session.new_kernel()
        run(first, QUICK.format(0.5) + "\n" + START_LAB)
        run(first, "lab.worker.kill()")
        run(other, "from loyalty.lab import Lab; lab = await Lab.start(worker=False)")
        await eventually(lambda: not workers_of(session), waiting_for="the second worker to end")
        assert run(first, "print(lab.worker.alive, second.alive)").splitlines()[-1] == "False True"


async def test_workers_of_a_busy_notebook_keep_running(tmp_path: Path) -> None:
    async with jupyterlab(tmp_path) as session:
        first, other = session.new_kernel(), session.new_kernel()
        run(other, QUICK.format(0.5) + "\n" + START_LAB)
        run(first, QUICK.format(0.5) + "\n" + START_LAB)
        await eventually(lambda: len(workers_of(session)) == 2, waiting_for="the other notebook's workers to rest")
        in_front = {int(pid) for pid in run(first, PIDS).split()}
        busy = f"import asyncio; await asyncio.sleep({4 * resting.LOOK_EVERY_SECONDS})\n" + PIDS
        assert {int(pid) for pid in run(first, busy).split()} == in_front, "the workers run during a long cell"
        assert workers_of(session) == in_front
