"""The coffee shop's exercises: the stub fails with the right hint, each mistake gets its own, the solution passes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from loyalty.coffee import menu
from loyalty.coffee.messages import TASK_QUEUE, ItemChange, Order, order_workflow_id
from loyalty.coffee.store import Store
from loyalty.coffee.workflow import CoffeeOrderWorkflow
from loyalty.lab import Lab, exercises, until
from tests.test_exercises import NOTEBOOKS, run_cell, solution, unnamed_ids
from tests.test_notebooks import code

EXERCISES = {
    "two payments": "07_order_coffee",
    "terminated, not undone": "08_choreograph_or_orchestrate",
}


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    async with await Lab.start("coffee-exercises", own_server=True) as lab:
        lab.new_worker("loyalty.lab.clumsy_shop")
        store = Store(lab.database_url)
        store.deliver("this morning", {product.name: 100 for product in menu.MENU})
        store.close()
        yield lab


async def place(lab: Lab, order_id: str, *items: str, task_queue: str = TASK_QUEUE, **fields: Any) -> Any:
    order = Order(order_id, "ada", [menu.item(name) for name in items or ["latte"]], **fields)
    return await lab.client.start_workflow(
        CoffeeOrderWorkflow.run, order, id=order_workflow_id(order_id), task_queue=task_queue
    )


async def get_stuck(lab: Lab) -> Any:
    order = await place(lab, "o-stuck", notes="spill all the milk; jam the till")

    async def is_undoing() -> bool:
        return (await order.query(CoffeeOrderWorkflow.progress)).undoing is not None

    await until(is_undoing, "the order is stuck")
    return order


async def names_in_a_notebook(lab: Lab, notebook: str) -> dict[str, Any]:
    """Return what a learner has at hand at the exercise: the notebook's imports, the lab, and its own functions."""
    names: dict[str, Any] = {"lab": lab}
    for cell in code(NOTEBOOKS / f"{notebook}.ipynb"):
        if cell.id == "start-lab":
            await run_cell(cell.source.split("\nlab = ")[0], names)
        if cell.id in {"place", "run"}:
            await run_cell(cell.source, names)
    return names


def test_every_exercise_stands_in_a_notebook() -> None:
    assert set(EXERCISES) == set(exercises.orders.EXERCISES)
    for name, notebook in EXERCISES.items():
        assert any(f'exercises.check("{name}"' in cell.source for cell in code(NOTEBOOKS / f"{notebook}.ipynb"))


@pytest.mark.parametrize(("exercise", "notebook"), EXERCISES.items())
def test_exercise_names_the_ids_of_the_next_tries(exercise: str, notebook: str) -> None:
    assert unnamed_ids(exercise, notebook) == []


async def test_stubs_get_a_hint_and_solutions_pass(lab: Lab) -> None:
    for name, notebook in EXERCISES.items():
        untouched = await exercises.check(name, lab.client)
        assert untouched.startswith("Not yet: there is no workflow with the id"), untouched
        if name == "terminated, not undone":
            await get_stuck(lab)
            assert "does not terminate the order" in await exercises.check(name, lab.client)
        await run_cell(solution(notebook), await names_in_a_notebook(lab, notebook))
        solved = await exercises.check(name, lab.client)
        assert solved.startswith("Done: "), f"The solution in {notebook} is refused: {solved}"


async def test_a_second_try_has_an_id_of_its_own(lab: Lab) -> None:
    await a_second_try_under_the_same_id(lab)
    assert (await exercises.check("two payments", lab.client)).endswith("Place your next try as 'monday-2'")
    order = await place(lab, "monday-2", "latte", "cookie", notes="lose the receipt", change_window=2)
    assert "has not ended yet" in await exercises.check("two payments", lab.client)
    await order.execute_update(CoffeeOrderWorkflow.change_item, ItemChange("cookie", menu.item("croissant")))
    await order.result()
    assert (await exercises.check("two payments", lab.client)).startswith("Done: 2 payments")


Mistake = Callable[[Lab], Awaitable[Any]]


async def not_awaited(lab: Lab) -> None:
    await place(lab, "monday", change_window=60)


async def two_lines_of_one_product(lab: Lab) -> None:
    await (await place(lab, "monday", "latte", "latte")).result()


async def no_lost_receipt(lab: Lab) -> None:
    await (await place(lab, "monday")).result()


async def a_second_try_under_the_same_id(lab: Lab) -> None:
    await no_lost_receipt(lab)
    await no_change(lab)


async def no_change(lab: Lab) -> None:
    await (await place(lab, "monday", notes="lose the receipt")).result()


async def a_change_that_costs_nothing(lab: Lab) -> None:
    order = await place(lab, "monday", notes="lose the receipt", change_window=2)
    await order.execute_update(CoffeeOrderWorkflow.change_item, ItemChange("latte", menu.item("latte")))
    await order.result()


async def not_completed(lab: Lab) -> None:
    order = await place(lab, "monday", notes="lose the receipt; drop the tray", change_window=2)
    await order.execute_update(CoffeeOrderWorkflow.change_item, ItemChange("latte", menu.item("espresso")))
    await order.result()


async def the_customers_queue(lab: Lab) -> None:
    await place(lab, "monday", task_queue="customer-loyalty")


async def cancelled_instead(lab: Lab) -> None:
    await (await get_stuck(lab)).cancel()


@pytest.mark.parametrize(
    ("name", "mistake", "hint"),
    [
        (
            "two payments",
            the_customers_queue,
            "names the task queue 'customer-loyalty', but the worker that runs CoffeeOrderWorkflow serves",
        ),
        ("two payments", not_awaited, "the order coffee-order-monday has not ended yet"),
        ("two payments", two_lines_of_one_product, "the order coffee-order-monday was refused"),
        ("two payments", no_lost_receipt, "the notes ask to"),
        ("two payments", a_second_try_under_the_same_id, "used once, and this one was placed before"),
        ("two payments", no_change, "found 1 payment that was booked, expected two"),
        ("two payments", a_change_that_costs_nothing, "only if there is one"),
        ("two payments", not_completed, "expected COMPLETED"),
        ("terminated, not undone", cancelled_instead, "Call `terminate()` of its handle"),
    ],
)
async def test_a_common_mistake_gets_its_own_hint(lab: Lab, name: str, mistake: Mistake, hint: str) -> None:
    await mistake(lab)
    answer = await exercises.check(name, lab.client)
    assert answer.startswith("Not yet: ")
    assert hint in answer
