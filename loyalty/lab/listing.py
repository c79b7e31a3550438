"""How long a program is, without what is written for its readers."""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
from types import ModuleType

UNCOUNTED = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(*modules: ModuleType) -> int:
    """Return the lines of code of all `modules`: without blank lines, comments, docstrings and imports."""
    return sum(_code_lines(inspect.getsource(module)) for module in modules)


def _code_lines(source: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    lines = {
        line for token in tokens if token.type not in UNCOUNTED for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(source)):
        is_text = (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
        if is_text or isinstance(node, (ast.Import, ast.ImportFrom)):
            assert isinstance(node, ast.stmt)
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)
