"""Rules for notebooks: no outputs, short cells, fixed parts.

test_accessible_documents.py tests headings and links, and nbmake runs the notebooks.
"""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
LONGEST_CELL = 13
MEDIAN_CELL = 5

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def code(path: Path) -> list[Any]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def prose(path: Path) -> str:
    return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def test_folder_has_at_least_one_notebook() -> None:
    assert "00_start_here" in [path.stem for path in NOTEBOOKS]


@each_notebook
def test_notebook_is_valid(path: Path) -> None:
    nbformat.validate(read(path))


@each_notebook
def test_notebook_has_no_outputs_and_no_execution_counts(path: Path) -> None:
    dirty = [cell.id for cell in code(path) if cell.outputs or cell.execution_count is not None]
    assert not dirty, f"{path.name} has outputs in {dirty}; choose Kernel > Restart and clear outputs, then save"


@each_notebook
def test_id_of_each_cell_consists_of_words(path: Path) -> None:
    random = [cell.id for cell in read(path).cells if not re.fullmatch(r"[a-z]+(-[a-z]+)*", cell.id)]
    assert not random, f"{path.name}: give the cells {random} ids of words, so that git shows their changes"


@each_notebook
def test_notebook_uses_the_kernel_python3(path: Path) -> None:
    assert read(path).metadata.kernelspec.name == "python3"


@each_notebook
def test_cells_of_a_notebook_are_short(path: Path) -> None:
    lengths = {cell.id: len(cell.source.splitlines()) for cell in code(path)}
    too_long = {name: length for name, length in lengths.items() if length > LONGEST_CELL}
    assert not too_long, f"{path.name}: {too_long} lines; move long or repeated code into loyalty/"
    assert statistics.median(lengths.values()) <= MEDIAN_CELL


@each_notebook
def test_notebook_has_a_question_and_summary_and_exercise_and_next_step(path: Path) -> None:
    cells = [cell.source for cell in read(path).cells]
    assert re.match(r"# \d\d · ", cells[0])
    for part in ("**The question:**", "**Minutes:**", "**You will**"):
        assert part in cells[0], f"{path.name}: the first cell lacks {part}"
    for heading in ("## Summary", "## Exercise", "## The way on"):
        assert heading in prose(path), f"{path.name} has no {heading}"


@each_notebook
def test_default_value_of_a_prediction_is_a_constant(path: Path) -> None:
    for cell in code(path):
        calls = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
        for call in [one for one in calls if ast.unparse(one.func) == "Prediction"]:
            default = [*call.args[1:2], *(given.value for given in call.keywords if given.arg == "default")]
            assert isinstance(default[0], ast.Constant), f"{path.name}, {cell.id}: the default must be a constant"


@each_notebook
def test_each_notebook_starts_a_workflow_and_uses_the_sandbox(path: Path) -> None:
    source = "\n".join(cell.source for cell in code(path))
    assert "UnsandboxedWorkflowRunner" not in source
    assert re.search(r"start_workflow\(|import open_account", source), f"{path.name} starts no workflow"


@each_notebook
def test_verdicts_and_scores_are_computed_by_code(path: Path) -> None:
    calls = [call for cell in code(path) for call in ast.walk(ast.parse(cell.source)) if isinstance(call, ast.Call)]
    verdicts = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "verdict"]
    scores = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "score"]
    judged = [*(call.args[1] for call in verdicts), *(call.args[0] for call in scores)]
    measured = [call.args[2] for call in verdicts]
    for computed in [*judged, *measured]:
        assert not isinstance(computed, ast.Constant), (
            f"{path.name} must compute {ast.unparse(computed)} from a measurement"
        )
