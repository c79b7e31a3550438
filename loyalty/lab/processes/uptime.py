"""When each process of a lab was up. Plots show these periods and the gaps between them."""

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
    """One period in which a process was up. While the process runs, `end` and `ended_by` are None."""

    role: Role
    name: str
    identity: str | None
    begin: datetime
    end: datetime | None = None
    ended_by: End | None = None


def frame(uptimes: Iterable[Uptime]) -> pd.DataFrame:
    """Return one row per uptime, oldest first.

    Columns: role; name ("worker 1" is the lab's first worker process, "worker 2" the second); identity (a worker's
    identity in the Event History, NaN for a server); begin and end (UTC); ended_by ("killed", "stopped", or "died" if
    the process ended by itself). While the process runs, end is NaT and ended_by is NaN.
    """
    import pandas as pd

    rows = pd.DataFrame([vars(uptime) for uptime in uptimes], columns=list(Uptime.__annotations__))
    for column in ("begin", "end"):
        rows[column] = pd.to_datetime(rows[column], utc=True)
    return rows.sort_values("begin", ignore_index=True)
