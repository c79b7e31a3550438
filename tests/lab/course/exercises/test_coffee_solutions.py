"""Exercises about orders: an unsolved exercise gets a hint, and the notebook's solution passes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from loyalty.coffee import menu
from loyalty.coffee.messages import TASK_QUEUE, Order, order_workflow_id
from loyalty.coffee.store import Store
from loyalty.coffee.workflow import CoffeeOrderWorkflow
from loyalty.lab import Lab, until
from loyalty.lab.course import exercises
from tests.house.test_notebooks import code
from tests.lab.course.exercises.test_solutions import NOTEBOOKS, run_cell, solution, unnamed_ids

pytestmark = pytest.mark.slow

EXERCISES = {
    "two payments": "11_order_coffee",
    "terminated, not undone": "12_choreograph_or_orchestrate",
}


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with await Lab.start("coffee-exercises", own_server=True) as lab:
        lab.new_worker("loyalty.lab.experiments.clumsy_shop")
        store = Store(lab.database_url)
        store.deliver("this morning", {product.name: 100 for product in menu.MENU})
        store.close()
        yield lab


async def get_stuck(lab: Lab) -> None:
    order = await lab.client.start_workflow(
        CoffeeOrderWorkflow.run,
        Order("o-stuck", "ada", [menu.item("latte")], notes="spill all the milk; jam the till"),
        id=order_workflow_id("o-stuck"),
        task_queue=TASK_QUEUE,
    )

    async def is_undoing() -> bool:
        return (await order.query(CoffeeOrderWorkflow.progress)).undoing is not None

    await until(is_undoing, "the order is stuck")


async def names_in_a_notebook(lab: Lab, notebook: str) -> dict[str, Any]:
    """Return the variables that a learner has at the exercise: imports, lab and functions from the notebook."""
    names: dict[str, Any] = {"lab": lab}
    for cell in code(NOTEBOOKS / f"{notebook}.ipynb"):
        if cell.id == "start-lab":
            await run_cell(cell.source.split("\nlab = ")[0], names)
        if cell.id in {"place", "run"}:
            await run_cell(cell.source, names)
    return names


def test_each_exercise_has_a_check_in_a_notebook() -> None:
    assert set(EXERCISES) == set(exercises.orders.EXERCISES)
    for name, notebook in EXERCISES.items():
        assert any(f'exercises.check("{name}"' in cell.source for cell in code(NOTEBOOKS / f"{notebook}.ipynb"))


@pytest.mark.parametrize(("exercise", "notebook"), EXERCISES.items())
def test_exercise_text_contains_the_ids_of_the_first_three_tries(exercise: str, notebook: str) -> None:
    assert unnamed_ids(exercise, notebook) == []


async def test_unsolved_exercise_gets_a_hint_and_the_solution_passes(lab: Lab) -> None:
    for name, notebook in EXERCISES.items():
        untouched = await exercises.check(name, lab.client)
        assert untouched.startswith("Not yet: there is no workflow with the id"), untouched
        if name == "terminated, not undone":
            await get_stuck(lab)
            assert "does not terminate the order" in await exercises.check(name, lab.client)
        await run_cell(solution(notebook), await names_in_a_notebook(lab, notebook))
        solved = await exercises.check(name, lab.client)
        assert solved.startswith("Done: "), f"The solution in {notebook} is refused: {solved}"
