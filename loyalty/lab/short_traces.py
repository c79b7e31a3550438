"""Errors of Temporal's SDK in a notebook: the learner's own line and the sentence, instead of forty frames."""

from __future__ import annotations

import linecache
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from temporalio.exceptions import TemporalError

from loyalty.lab.errors import LabError


def shorten_traces(shell: Any) -> None:
    """Let IPython's `shell` show an error of the SDK in a few lines; `%tb` shows the whole trace."""
    shell.set_custom_exc((TemporalError,), _show)


def in_short(error: BaseException, trace: TracebackType | None, cell: dict[str, Any]) -> list[str]:
    """Return the lines for an error: the line of the notebook, whose globals are `cell`, then the error and its causes.

    The innermost cause is the last line; it usually holds the sentence.
    """
    lines = [f"In this cell, line {number}:\n    {text}" for number, text in _own_lines(trace, cell)]
    return [*lines, "(%tb shows the whole trace.)", " because of\n".join(_chain(error))]


def _own_lines(trace: TracebackType | None, cell: dict[str, Any]) -> Iterator[tuple[int, str]]:
    own = [(frame, number) for frame, number in traceback.walk_tb(trace) if frame.f_globals is cell]
    for frame, number in own[-1:]:
        yield number, linecache.getline(frame.f_code.co_filename, number, frame.f_globals).strip()


def _chain(error: BaseException | None) -> Iterator[str]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield f"{type(error).__name__}: {error}"
        error = error.__cause__


def _show(
    shell: Any, kind: type[BaseException], error: BaseException, trace: TracebackType, tb_offset: int | None = None
) -> list[str]:
    sys.last_type, sys.last_value, sys.last_traceback = kind, error, trace  # what %tb shows
    lines = error._render_traceback_() if isinstance(error, LabError) else in_short(error, trace, shell.user_ns)
    shell._showtraceback(kind, error, lines)
    return lines
