"""Explain why a worker process ended early. The exit code, the log and the module's source contain the reason."""

from __future__ import annotations

import ast
import importlib.util
import signal
import sys
from pathlib import Path

LAST_LINES = 5
SERVE = "this part has to run a worker until the process is stopped, as the last lines of loyalty/worker.py do"


def why_it_ended(module: str, code: int, words: str) -> str:
    """Explain in one sentence why a worker process ended early; `words` are the last lines of the log."""
    ended = f"The worker, python -m {module}, ended by itself {_in_words(code)} before it served a task queue"
    last_words = f"; its last lines:\n{words}" if words else ", and wrote nothing"
    if code != 0:
        return ended + last_words
    source = source_of(module)
    if source is not None and not has_main_part(source):
        return f'{ended}: its module has no `if __name__ == "__main__":` part; {SERVE}{last_words if words else ""}'
    return f'{ended}: the `if __name__ == "__main__":` part of its module returned; {SERVE}{last_words}'


def _in_words(code: int) -> str:
    number = 256 - code  # the guardian returns the lowest eight bits of the negative signal number
    if sys.platform != "win32" and number in {one.value for one in signal.Signals}:
        return f"by the signal {signal.Signals(number).name}"
    return f"with code {code}"


def source_of(module: str) -> str | None:
    """Return the source code that `python -m module` runs; None if Python cannot find or read the file."""
    try:
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.submodule_search_locations is not None:  # a package
            spec = importlib.util.find_spec(f"{module}.__main__")
        if spec is None or not spec.has_location or spec.origin is None:
            return None
        return Path(spec.origin).read_text(encoding="utf-8")
    except (ImportError, ValueError, OSError):
        return None


def has_main_part(source: str) -> bool:
    """Return whether a module has an `if __name__ == "__main__":` part; True if the source has a syntax error."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return True
    return any(
        isinstance(node, ast.If)
        and any(isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test))
        for node in tree.body
    )
