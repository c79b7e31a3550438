"""Short tracebacks in notebooks: an error of Temporal's SDK shows only the learner's line and the message."""

from __future__ import annotations

import asyncio
import linecache
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from temporalio.exceptions import TemporalError

from loyalty.lab.errors import LabError

WITH_SENTENCES = (TemporalError, LabError)
"""The messages of these errors explain the failure. The learner does not need the other stack frames."""


def shorten_traces(shell: Any) -> None:
    """Shorten the tracebacks of the SDK's errors in IPython's `shell`, also for groups of these errors.

    `%tb` shows the whole traceback of one error. For a group of errors, `traceback.print_last`
    shows the whole traceback.
    """
    shell.set_custom_exc((*WITH_SENTENCES, BaseExceptionGroup), _show)


def in_short(error: BaseException, trace: TracebackType | None, cell: dict[str, Any]) -> list[str]:
    """Return the learner's line, then the error and its causes; `cell` contains the globals of the notebook.

    The last line is the innermost cause, because this cause usually explains the failure.
    """
    return [*_own_line(trace, trace, cell), "(%tb shows the whole traceback.)", " because of\n".join(_chain(error))]


def group_in_short(
    group: BaseExceptionGroup[BaseException], trace: TracebackType | None, cell: dict[str, Any]
) -> list[str]:
    """For each error in a group, return the learner's line and the error's message. Equal errors are counted."""
    sentences = ["\n".join([*_own_line(leaf.__traceback__, trace, cell), *_sentences(leaf)]) for leaf in _leaves(group)]
    lines = [*_own_line(trace, trace, cell), "(`import traceback; traceback.print_last()` shows the whole traceback.)"]
    lines.append(f"{type(group).__name__}: {group}")
    for number, sentence in enumerate(dict.fromkeys(sentences), start=1):
        times = sentences.count(sentence)
        lines += [f"--- error {number}{f', {times} times' if times > 1 else ''} ---", sentence]
    return lines


def report_task(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Print a short message about a failed task if no cell awaits the task. The event loop calls this handler."""
    error = context.get("exception")
    if isinstance(error, WITH_SENTENCES):
        print("A task that no cell awaits has failed:", *_sentences(error), sep="\n", file=sys.stderr, flush=True)
    else:
        loop.default_exception_handler(context)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


def _own_line(trace: TracebackType | None, shown: TracebackType | None, cell: dict[str, Any]) -> list[str]:
    """Return the innermost line of the learner's code in `trace`; return an empty list if `trace` has no such line.

    The traceback `shown` contains the cell that runs now. The innermost line may be in an earlier cell.
    """
    own = [(frame, number) for frame, number in traceback.walk_tb(trace) if frame.f_globals is cell]
    if not own:
        return []
    frame, number = own[-1]
    file, name = frame.f_code.co_filename, frame.f_code.co_name
    this_cell = next((one.f_code.co_filename for one, _ in traceback.walk_tb(shown) if one.f_globals is cell), file)
    where = "In this cell" if file == this_cell else "In an earlier cell"
    function = "" if name.startswith("<") else f" of {name}"
    return [f"{where}, line {number}{function}:\n    {linecache.getline(file, number, frame.f_globals).strip()}"]


def _sentences(error: BaseException) -> list[str]:
    return error._render_traceback_() if isinstance(error, LabError) else [" because of\n".join(_chain(error))]


def _chain(error: BaseException | None) -> Iterator[str]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield f"{type(error).__name__}: {error}"
        error = error.__cause__


def _show(
    shell: Any, kind: type[BaseException], error: BaseException, trace: TracebackType, tb_offset: int | None = None
) -> list[str]:
    sys.last_type, sys.last_value, sys.last_traceback = kind, error, trace  # %tb and print_last show these
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    if isinstance(error, LabError):
        lines = error._render_traceback_()
    elif not isinstance(error, BaseExceptionGroup):
        lines = in_short(error, trace, shell.user_ns)
    elif any(isinstance(leaf, WITH_SENTENCES) for leaf in _leaves(error)):
        lines = group_in_short(error, trace, shell.user_ns)
    else:
        lines = "".join(traceback.format_exception(error)).splitlines()
    shell._showtraceback(kind, error, lines)
    return lines
