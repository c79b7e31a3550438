"""Notebook 02, "What an answer costs": Mary receives twenty answers, and the plot shows the table's numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pandas as pd
import pytest

from loyalty.lab import Lab, history, plots
from tests.house.test_notebooks import code
from tests.lab.course.exercises.test_solutions import NOTEBOOKS, run_cell
from tests.support.pictures import all_texts

pytestmark = pytest.mark.slow

ANSWERS = 20
CELLS = ["three-conversations", "measure-way", "three-ways", "twenty-friends", "compare-ways"]


@pytest.fixture(scope="module")
async def names() -> AsyncIterator[dict[str, Any]]:
    """Run the notebook's cells about the three ways to answer, and yield the variables."""
    sources = {cell.id: cell.source for cell in code(NOTEBOOKS / "02_ask_and_answer.ipynb")}
    async with await Lab.start("answer-costs") as lab:
        names: dict[str, Any] = {"lab": lab}
        exec(sources["start-lab"].split("\nlab = ")[0], names)
        for cell in CELLS:
            await run_cell(sources[cell], names)
        yield names


async def test_mary_receives_twenty_answers_from_friends(names: dict[str, Any]) -> None:
    told = await history.frame(names["mary"])
    answers = told[(told.name == "notifyNewStatus") & told.detail.str.contains("friend-")]
    assert len(answers) == ANSWERS


def test_plot_shows_the_same_numbers_as_the_table(names: dict[str, Any]) -> None:
    ways: pd.DataFrame = names["ways"]
    shown = all_texts(plots.bars(ways["events per answer"], "What an answer costs", "events per answer"))
    assert [float(text) for text in shown] == ways["events per answer"].tolist()
