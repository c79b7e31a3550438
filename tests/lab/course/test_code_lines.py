"""The number of code lines does not include comments, docstrings and imports."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from loyalty.lab.course import code_lines

SOURCE = '''"""A docstring
of two lines."""

import math
from os import (
    path,
)

LIMIT = 3
"""What it is."""


def double(n):
    """Double."""
    # why
    return (
        n
        * 2
    )
'''


@pytest.mark.parametrize(("source", "lines"), [(SOURCE, 6), ("# nothing\n", 0), ('text = """a\nb"""\n', 2)])
def test_comments_and_docstrings_and_imports_are_not_code_lines(source: str, lines: int, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(source)
    module = ModuleType("program")
    module.__file__ = str(path)
    module.__loader__ = None
    assert code_lines.code_lines(module) == lines


class Greeter:
    """Greets."""

    def greet(self) -> str:
        """Greet."""
        return "good morning"  # whatever the time is


def test_lines_of_an_indented_method_are_counted() -> None:
    assert code_lines.code_lines(Greeter, Greeter.greet) == 3 + 2
