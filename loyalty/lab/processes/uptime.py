"""When which process of a lab was up: what a picture needs to show who served what, and what was down."""

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
    """The time in which one process was up; `end` and `ended_by` are None while the process runs."""

    role: Role
    name: str
    identity: str | None
    begin: datetime
    end: datetime | None = None
    ended_by: End | None = None


def frame(uptimes: Iterable[Uptime]) -> pd.DataFrame:
    """Return one row per uptime, the oldest first.

    Columns: role, name ("worker 1" is the lab's first worker process, "worker 2" its next one or its successor),
    identity (what the Event History calls a worker, as in `history.frame`; NaN for the others), begin and end (UTC;
    NaT: still up), ended_by ("killed", "stopped", or "died" where nobody asked for it; NaN: still up).
    """
    import pandas as pd

    rows = pd.DataFrame([vars(uptime) for uptime in uptimes], columns=list(Uptime.__annotations__))
    for column in ("begin", "end"):
        rows[column] = pd.to_datetime(rows[column], utc=True)
    return rows.sort_values("begin", ignore_index=True)
