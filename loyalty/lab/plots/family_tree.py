"""Draw the parents and children of workflows as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from loyalty.lab.plots.shared.drawing import GREY, INK, PALE, PALETTE, axes_or_new, finish, inches, legend, note
from loyalty.lab.plots.shared.sent_messages import CLIENTS, CLOSED, STARTS, Message, messages_in
from loyalty.messages import workflow_id

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_MEMBERS = 60
"""The names of more workflows would overlap."""

LINES: dict[str, tuple[str, Any]] = {
    "started": (GREY, (0, (1, 1.5))),
    "invited": (PALETTE["green"], (0, (5, 2))),
    "child": (PALETTE["blue"], "-"),
}
BOXES = {
    "running": {"facecolor": PALE, "edgecolor": INK, "linestyle": "-"},
    "closed": {"facecolor": "white", "edgecolor": INK, "linestyle": "--"},
    "history not shown": {"facecolor": "white", "edgecolor": GREY, "linestyle": ":"},
}
CHARACTER, MARGIN = 0.085, 0.2
"""Inches; the width of a character of a name, and the space around a name."""

BETWEEN = 1.05
"""Inches between parents and children."""

ROW = 0.42
AROUND = 1.4


def creations(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per started workflow, sorted by the time of the start of its first run.

    `workflow_id`, `parent`: str. `parent` is CLIENTS if a client started the workflow.
    `how`: str, "started", "invited" or "child".
    `created`: datetime64[ns, UTC].
    `status`: str, "Running" or a value of CLOSED. The status is "" for a workflow without events in `frame`.
    """
    import pandas as pd

    status = _statuses(frame)
    rows: dict[str, tuple[Any, ...]] = {}
    for start in (Message(*row) for row in messages_in(frame).itertuples(index=False)):
        who, parent = start.receiver, start.sender
        if start.kind == "start" and who not in rows and who not in _ancestry(rows, parent):
            rows[who] = (who, parent, STARTS[start.name], start.sent, status.get(who, ""))
    columns = {"workflow_id": "str", "parent": "str", "how": "str", "created": "datetime64[ns, UTC]", "status": "str"}
    return pd.DataFrame(list(rows.values()), columns=list(columns)).astype(columns)


def family_tree(frame: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw a tree of workflows and their creators.

    Clients are on the left, and children are to the right of their parents. The oldest workflow is on top.
    `frame`: a DataFrame from `history.frame`. The picture has one line per row of `creations(frame)`.
    If `frame` does not contain the first events of a workflow, the picture shows no parent for this workflow.
    Raise ValueError if there are no workflows or more than MOST_MEMBERS workflows.
    """
    created = creations(frame)
    edges: dict[str, tuple[str, str]] = {
        child: (parent, how)
        for child, parent, how in zip(created.workflow_id, created.parent, created.how, strict=True)
    }
    workflows_and_clients = list(dict.fromkeys([*created.parent, *frame.workflow_id, *edges]))
    members = [who for who in workflows_and_clients if who != CLIENTS]
    if not 0 < len(members) <= MOST_MEMBERS:
        raise ValueError(
            f"Cannot draw a family of {len(members)} workflows ({len(frame):,} events); expected 1 to "
            f"{MOST_MEMBERS} workflows, with their histories from the beginning"
        )
    status = _statuses(frame)
    names = {who: _name(who, status.get(who, "")) for who in workflows_and_clients}
    children: dict[str, list[str]] = {who: [] for who in workflows_and_clients}
    for who, (parent, _) in edges.items():
        children[parent].append(who)
    places = _places([who for who in workflows_and_clients if who not in edges], children)
    width = [0.0] * (1 + max(place.generation for place in places.values()))
    for who, place in places.items():
        width[place.generation] = max(width[place.generation], CHARACTER * len(names[who]) + MARGIN)
    x = [sum(width[:generation]) + generation * BETWEEN for generation in range(len(width))]
    rows = 1 + max(place.y for place in places.values())
    right = x[-1] + width[-1]
    ax = axes_or_new(ax, (max(8, right + 1), max(3, ROW * rows + AROUND)))
    ax.set_xlim(-MARGIN, max(right, inches(ax)[0]) + MARGIN)
    ax.set_ylim(rows - 0.4, -0.6)
    for parent, of_parent in children.items():
        for number, how in enumerate(dict.fromkeys(edges[child][1] for child in of_parent)):
            there = places[parent]
            begin, turn = x[there.generation], x[there.generation] + width[there.generation] + 0.12 * (number + 1)
            end, ys = x[there.generation + 1], [places[child].y for child in of_parent if edges[child][1] == how]
            line: dict[str, Any] = dict(zip(("color", "ls"), LINES[how], strict=True), lw=1.8, zorder=1)
            ax.plot([begin, turn], [there.y] * 2, **line)
            ax.plot([turn] * 2, [min(*ys, there.y), max(*ys, there.y)], **line)
            for y in ys:
                ax.plot([turn, end], [y, y], gid=how, **line)
                note(ax, how, ((turn + end) / 2, y), (0, 3), ha="center", fontsize=8.5)
    for who, place in places.items():
        kind = "history not shown" if not status.get(who) else "closed" if status[who] in CLOSED else "running"
        box = {"boxstyle": "round,pad=0.35", **BOXES[kind]} if who != CLIENTS else {"facecolor": "white", "lw": 0}
        ax.text(x[place.generation], place.y, names[who], va="center", color=INK, bbox=box, gid=kind, zorder=2)
    _fill_legend(ax)
    ax.set_xticks([at + of / 2 for at, of in zip(x, width, strict=True)], [str(number) for number in range(len(x))])
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    legend(ax, below=0.6 / inches(ax)[1], columns=5)
    title = f"Who created whom: {len(members)} workflow{'s' if len(members) > 1 else ''}"
    descriptions = [
        f"{how} by {names[parent]}: {', '.join(names[child] for child in of_parent if edges[child] == (parent, how))}"
        for parent, of_parent in children.items()
        for how in dict.fromkeys(edges[child][1] for child in of_parent)
    ]
    return finish(ax, title, "generation", "oldest on top", description="; ".join(descriptions) or ", ".join(members))


class _Place(NamedTuple):
    generation: int
    y: float


def _places(roots: list[str], children: Mapping[str, list[str]]) -> dict[str, _Place]:
    """Return the position of each workflow. A parent is halfway between its first and its last child."""
    places: dict[str, _Place] = {}
    rows = iter(range(10**6))

    def put(who: str, generation: int) -> float:
        of_children = [put(child, generation + 1) for child in children[who]]
        y = (of_children[0] + of_children[-1]) / 2 if of_children else float(next(rows))
        places[who] = _Place(generation, y)
        return y

    for root in roots:
        put(root, 0)
    return places


def _statuses(frame: pd.DataFrame) -> dict[str, str]:
    """Return the status of each workflow in `frame`: "Running" or a value of CLOSED."""
    last = frame.groupby("workflow_id", sort=False).type.last().str.removeprefix("WorkflowExecution")
    return {str(who): type_ if type_ in CLOSED else "Running" for who, type_ in last.items()}


def _ancestry(rows: Mapping[str, tuple[Any, ...]], who: str) -> Iterator[str]:
    """Yield the workflow `who` and all its ancestors."""
    yield who
    while who in rows:
        who = rows[who][1]
        yield who


def _name(who: str, status: str) -> str:
    name = who.removeprefix(workflow_id(""))
    return f"{name} ({status.lower()})" if status in CLOSED else name


def _fill_legend(ax: Axes) -> None:
    from matplotlib.patches import Rectangle

    drawn = {line.get_gid() for line in ax.lines}
    for how, (color, style) in LINES.items():
        if how in drawn:
            ax.plot([], [], color=color, ls=style, lw=1.8, label=f"{how} by a client" if how == "started" else how)
    shown = {text.get_gid() for text in ax.texts if text.get_text() != CLIENTS}
    for kind, look in BOXES.items():
        if kind in shown:
            ax.add_patch(Rectangle((0, 0), 0, 0, label=kind, **look))  # type: ignore[arg-type]
