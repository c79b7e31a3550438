"""Evaluate the verdict cells of the notebooks with the measurements of a test."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def cells_with_verdicts() -> Iterator[tuple[str, ast.Module]]:
    """Yield the notebook's number and the parsed code of each cell that prints a verdict."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and "verdict(" in source:
                parsed = compile(source, path.name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
                yield path.name[:2], parsed


def verdicts() -> dict[tuple[str, int], ast.Module]:
    """Return a dict of the verdicts: (notebook, number of the claim), cell."""
    return {(notebook, _number(call)): cell for notebook, cell in cells_with_verdicts() for call in _calls(cell)}


def _calls(cell: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(cell):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "verdict":
            yield node


def _number(call: ast.Call) -> int:
    number = ast.literal_eval(call.args[0])
    assert isinstance(number, int)
    return number


class _Names(dict[str, Any]):
    """The measurements of a test. The assignments in the cell compute the other names."""

    def __init__(self, cell: ast.Module, measured: Mapping[str, Any]) -> None:
        super().__init__(measured)
        self._assigned = {
            target.id: node.value
            for node in cell.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def __missing__(self, name: str) -> Any:
        if name not in self._assigned:
            raise KeyError(name)
        self[name] = value = evaluate(self._assigned[name], self)
        return value


def evaluate(expression: ast.expr, names: dict[str, Any]) -> Any:
    """Return the value of an expression from a notebook. The expression must not wait for a server."""
    value = eval(compile(ast.Expression(expression), "cell", "eval"), {}, names)  # the course's own code
    assert not inspect.isawaitable(value)
    return value


def holds(cell: ast.Module, claim: int, measured: Mapping[str, Any]) -> bool:
    """Return the value of the claim's condition in the cell, with these measurements."""
    (call,) = (one for one in _calls(cell) if _number(one) == claim)
    return bool(evaluate(call.args[1], _Names(cell, measured)))
