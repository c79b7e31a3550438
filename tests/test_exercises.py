"""Each exercise: the stub fails with the right hint, each common mistake gets its own, the solution passes."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from loyalty.lab import Lab, exercises, history, settled, until
from loyalty.lab.traffic import storm
from loyalty.messages import TASK_QUEUE, Customer, CustomerInput, GuestInvitation, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.test_notebooks import code, prose

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
EXERCISES = {
    "grace starts as Silver": "00_start_here",
    "Linus falls back": "01_send_messages",
    "Hedy goes to a concert": "02_ask_and_answer",
    "Ida is invited": "03_create_actors",
    "a second attempt": "04_survive_failure",
    "lean purchases": "05_measure_history",
    "four runs": "06_live_forever",
}


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with await Lab.start("exercises", own_server=True) as lab:
        yield lab


async def run_cell(source: str, names: dict[str, Any]) -> None:
    """Run a notebook's cell, `await` at its top included."""
    compiled = compile(source, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(compiled, CodeType)
    waiting = eval(compiled, names)
    if isinstance(waiting, Awaitable):
        await waiting


def names_in_a_notebook(lab: Lab, notebook: str) -> dict[str, Any]:
    """Return what a learner has at hand at the exercise: the imports, the lab, and the notebook's own functions."""
    names: dict[str, Any] = {
        "asyncio": asyncio, "lab": lab, "settled": settled, "until": until, "storm": storm, "history": history,
        "TASK_QUEUE": TASK_QUEUE, "Customer": Customer, "CustomerInput": CustomerInput, "workflow_id": workflow_id,
        "CustomerLoyaltyWorkflow": CustomerLoyaltyWorkflow, "GuestInvitation": GuestInvitation,
    }  # fmt: skip
    for cell in code(NOTEBOOKS / f"{notebook}.ipynb"):
        if cell.id == "open-account":
            exec(cell.source, names)
    return names


def solution(notebook: str) -> str:
    """Return the code of the folded solution."""
    (found,) = re.findall(r"A solution</summary>\s+```python\n(.*?)```", prose(NOTEBOOKS / f"{notebook}.ipynb"), re.S)
    return str(found)


def test_every_exercise_stands_in_a_notebook() -> None:
    assert set(EXERCISES) == set(exercises.customers.EXERCISES)
    for name, notebook in EXERCISES.items():
        assert any(f'exercises.check("{name}"' in cell.source for cell in code(NOTEBOOKS / f"{notebook}.ipynb"))


async def test_stubs_get_a_hint_and_solutions_pass(lab: Lab) -> None:
    for name, notebook in EXERCISES.items():
        untouched = await exercises.check(name, lab.client)
        assert untouched.startswith("Not yet: there is no workflow with the id"), untouched
        await run_cell(solution(notebook), names_in_a_notebook(lab, notebook))
        solved = await exercises.check(name, lab.client)
        assert solved.startswith("Done: "), f"The solution in {notebook} is refused: {solved}"


Mistake = Callable[[Lab], Awaitable[Any]]


async def open_account(lab: Lab, customer_id: str, task_queue: str = TASK_QUEUE, **customer: Any) -> Any:
    return await lab.client.start_workflow(
        CustomerLoyaltyWorkflow.run,
        CustomerInput(Customer(customer_id, **customer)),
        id=workflow_id(customer_id),
        task_queue=task_queue,
    )


async def points_by_signal(lab: Lab) -> None:
    grace = await open_account(lab, "grace")
    await grace.signal(CustomerLoyaltyWorkflow.add_points, 500)


async def too_few_points(lab: Lab) -> None:
    await open_account(lab, "grace", points=50)


async def a_queue_that_nobody_serves(lab: Lab) -> None:
    await open_account(lab, "grace", task_queue="default")


async def no_purchase(lab: Lab) -> None:
    await open_account(lab, "linus")


async def never_silver(lab: Lab) -> None:
    linus = await open_account(lab, "linus")
    await linus.signal(CustomerLoyaltyWorkflow.add_points, 100)


async def nothing_returned(lab: Lab) -> None:
    linus = await open_account(lab, "linus")
    await linus.signal(CustomerLoyaltyWorkflow.add_points, 600)


async def too_little_returned(lab: Lab) -> None:
    linus = await open_account(lab, "linus")
    for points in (600, -50):
        await linus.signal(CustomerLoyaltyWorkflow.add_points, points)


async def too_poor_for_a_ticket(lab: Lab) -> None:
    await open_account(lab, "hedy", points=500)


async def another_reward(lab: Lab) -> None:
    hedy = await open_account(lab, "hedy", points=1_000)
    await hedy.execute_update(CustomerLoyaltyWorkflow.redeem_reward, "coffee")


async def started_by_hand(lab: Lab) -> None:
    await open_account(lab, "ida", points=500)


async def no_address(lab: Lab) -> None:
    await open_account(lab, "radia")


async def no_outage(lab: Lab) -> None:
    radia = await open_account(lab, "radia", email="radia@example.com")
    await lab.inbox.wait_for(1)
    await settled(radia)


async def an_outage_that_goes_on(lab: Lab) -> None:
    lab.inbox.stop()
    radia = await open_account(lab, "radia", email="radia@example.com")
    await radia.query(CustomerLoyaltyWorkflow.get_status)


async def an_outage_of_half_a_minute(lab: Lab) -> None:
    await an_outage_that_goes_on(lab)
    await settled(lab.client.get_workflow_handle(workflow_id("radia")), timeout=60)


async def one_by_one(lab: Lab) -> None:
    lean = await open_account(lab, "lean")
    for _ in range(200):
        await lean.signal(CustomerLoyaltyWorkflow.add_points, 1)
        await lean.query(CustomerLoyaltyWorkflow.get_status)


async def default_threshold(lab: Lab) -> None:
    await storm(await open_account(lab, "phoenix"), purchases=400)


@pytest.mark.parametrize(
    ("name", "mistake", "hint"),
    [
        ("grace starts as Silver", points_by_signal, "found 1 signals in her history, expected 0"),
        ("grace starts as Silver", too_few_points, "Grace has 50 points; Silver begins at 500"),
        ("grace starts as Silver", a_queue_that_nobody_serves, "names the task queue 'default', where no worker looks"),
        ("Linus falls back", no_purchase, "found no addPoints signal"),
        ("Linus falls back", never_silver, "never reached Silver"),
        ("Linus falls back", nothing_returned, "a returned purchase is a signal with negative points"),
        ("Linus falls back", too_little_returned, "Linus has 550 points and is still Silver"),
        ("Hedy goes to a concert", too_poor_for_a_ticket, "A refused one leaves no event: has she the points"),
        ("Hedy goes to a concert", another_reward, "but no receipt for a concert ticket: the update is redeemReward"),
        ("Ida is invited", started_by_hand, "nobody invited her"),
        ("a second attempt", no_address, "has she an address?"),
        ("a second attempt", no_outage, "all 1 of her e-mails arrived at the first attempt"),
        ("a second attempt", an_outage_that_goes_on, "1 of her 1 e-mails is still being tried"),
        ("a second attempt", an_outage_of_half_a_minute, "her e-mail was given up after 10 attempts"),
        ("lean purchases", one_by_one, "asyncio.gather(...) sends them together"),
        ("four runs", default_threshold, "found 1 runs, expected at least 4"),
    ],
)
async def test_a_common_mistake_gets_its_own_hint(lab: Lab, name: str, mistake: Mistake, hint: str) -> None:
    await mistake(lab)
    answer = await exercises.check(name, lab.client)
    assert answer.startswith("Not yet: ")
    assert hint in answer


async def test_an_unknown_exercise_is_refused_with_the_known_ones(lab: Lab) -> None:
    with pytest.raises(ValueError, match="exercises are grace starts as Silver, Linus falls back"):
        await exercises.check("moon landing", lab.client)
