"""Record the uptimes of a lab's processes. Plots show the uptimes and the gaps between uptimes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Role = Literal["worker", "mail server", "Temporal server"]
End = Literal["killed", "stopped", "died"]


@dataclass
class Uptime:
    """One period in which a process was running. While the process runs, `end` and `ended_by` are None."""

    role: Role
    name: str
    identity: str | None
    begin: datetime
    end: datetime | None = None
    ended_by: End | None = None


def frame(uptimes: Iterable[Uptime]) -> pd.DataFrame:
    """Return one row per uptime, oldest first.

    The columns are role, name, identity, begin, end (both in UTC) and ended_by. "worker 1" is the name of the lab's
    first worker process. The column identity contains a worker's identity in the Event History, or NaN for a server.
    If a process ended, but the lab did not end it, the column ended_by contains "died". While a process runs, the
    column end contains NaT, and the column ended_by contains NaN.
    """
    import pandas as pd

    rows = pd.DataFrame([vars(uptime) for uptime in uptimes], columns=list(Uptime.__annotations__))
    for column in ("begin", "end"):
        rows[column] = pd.to_datetime(rows[column], utc=True)
    return rows.sort_values("begin", ignore_index=True)
