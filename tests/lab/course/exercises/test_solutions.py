"""Exercises about customers: an unsolved exercise gets a hint, and the notebook's solution passes."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from loyalty.lab import Lab, history, settled, until
from loyalty.lab.course import exercises
from loyalty.lab.course.accounts import open_account, open_account_with_email
from loyalty.lab.course.traffic import storm
from loyalty.messages import TASK_QUEUE, Customer, CustomerInput, GuestInvitation, workflow_id
from loyalty.workflow import CustomerLoyaltyWorkflow
from tests.house.test_notebooks import code, prose, read
from tests.support.tries import NAMES

pytestmark = pytest.mark.slow

NOTEBOOKS = Path(__file__).parents[4] / "notebooks"
EXERCISES = {
    "grace starts as Silver": "00_start_here",
    "Linus falls back": "01_send_messages",
    "Hedy goes to a concert": "02_ask_and_answer",
    "Ida is invited": "03_create_actors",
    "a second attempt": "04_survive_failure",
    "lean purchases": "05_measure_history",
    "four runs": "06_live_forever",
    "delivered three times": "10_call_queue_or_workflow",
}


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with await Lab.start("exercises", own_server=True) as lab:
        yield lab


async def run_cell(source: str, names: dict[str, Any]) -> None:
    """Run a notebook's cell, which may use `await` at its top level."""
    compiled = compile(source, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(compiled, CodeType)
    waiting = eval(compiled, names)
    if isinstance(waiting, Awaitable):
        await waiting


def names_in_a_notebook(lab: Lab, notebook: str) -> dict[str, Any]:
    """Return the variables that a learner has at the exercise: imports, lab and functions from the notebook."""
    names: dict[str, Any] = {
        "asyncio": asyncio, "lab": lab, "settled": settled, "until": until, "storm": storm, "history": history,
        "TASK_QUEUE": TASK_QUEUE, "Customer": Customer, "CustomerInput": CustomerInput, "workflow_id": workflow_id,
        "CustomerLoyaltyWorkflow": CustomerLoyaltyWorkflow, "GuestInvitation": GuestInvitation,
        "open_account": open_account, "open_account_with_email": open_account_with_email,
    }  # fmt: skip
    for cell in code(NOTEBOOKS / f"{notebook}.ipynb"):
        if cell.id == "open-account":
            exec(cell.source, names)
    return names


def solution(notebook: str) -> str:
    """Return the code of the folded solution."""
    (found,) = re.findall(r"A solution</summary>\s+```python\n(.*?)```", prose(NOTEBOOKS / f"{notebook}.ipynb"), re.S)
    return str(found)


def unnamed_ids(exercise: str, notebook: str) -> list[str]:
    """Take the ids of the first three tries, and return the ids that the exercise's text does not contain."""
    (text,) = [cell.source for cell in read(NOTEBOOKS / f"{notebook}.ipynb").cells if cell.id == "exercise"]
    name = NAMES[exercise]
    return [tried for tried in (name, f"{name}-2", f"{name}-3") if not re.search(rf"[`\"]{tried}[`\"]", text)]


def test_each_exercise_has_a_check_in_a_notebook() -> None:
    assert set(EXERCISES) == set(exercises.customers.EXERCISES)
    for name, notebook in EXERCISES.items():
        assert any(f'exercises.check("{name}"' in cell.source for cell in code(NOTEBOOKS / f"{notebook}.ipynb"))


@pytest.mark.parametrize(("exercise", "notebook"), EXERCISES.items())
def test_exercise_text_contains_the_ids_of_the_first_three_tries(exercise: str, notebook: str) -> None:
    assert unnamed_ids(exercise, notebook) == []


async def test_unsolved_exercise_gets_a_hint_and_the_solution_passes(lab: Lab) -> None:
    for name, notebook in EXERCISES.items():
        untouched = await exercises.check(name, lab.client)
        assert untouched.startswith("Not yet: there is no workflow with the id"), untouched
        await run_cell(solution(notebook), names_in_a_notebook(lab, notebook))
        solved = await exercises.check(name, lab.client)
        assert solved.startswith("Done: "), f"The solution in {notebook} is refused: {solved}"


async def test_error_for_an_unknown_exercise_contains_all_exercise_names(lab: Lab) -> None:
    with pytest.raises(ValueError, match="exercises are grace starts as Silver, Linus falls back"):
        await exercises.check("moon landing", lab.client)
