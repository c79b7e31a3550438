"""Draw the parts of a sequence diagram: lanes, arrows, labels and marks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from loyalty.actor.messages import SEND_EMAIL
from loyalty.lab.plots.shared.drawing import GREY, INK, PALE, PALETTE, by_run, note, spread
from loyalty.lab.plots.shared.sent_messages import CLIENTS, CLOSED, Message
from loyalty.lab.plots.shared.time_axis import Time, ends_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LABEL_ANGLE = 45
LABEL_SIZE = 8
TICK_CHARACTER = 0.09
"""Inches; the width of a character of a tick label."""

NEXT_RUN = "WorkflowExecutionContinuedAsNew"
ENDS = [f"WorkflowExecution{how}" for how in CLOSED]


class Look(NamedTuple):
    """The name, colour and line of one kind of message; each kind has a different line."""

    words: str
    color: str
    style: Any
    width: float


LOOKS = {
    "tell": Look("tell (signal)", PALETTE["blue"], "-", 1.5),
    "ask": Look("ask (update)", PALETTE["purple"], (0, (5, 2)), 1.7),
    "answer": Look("answer", PALETTE["purple"], (0, (1, 1.2)), 1.7),
    "start": Look("start of an actor", PALETTE["green"], "-", 3.4),
    "lost": Look("not delivered", PALETTE["vermillion"], (0, (5, 2, 1, 2)), 1.5),
}


def draw_lanes(ax: Axes, frame: pd.DataFrame, lanes: list[str], along: Time) -> None:
    """Draw one line for all clients, and one line per run. The line of a running workflow ends at the right edge."""
    strangers = [who for who in lanes if who not in {CLIENTS, *frame.workflow_id}]
    for y, who in enumerate(lanes):
        color, style = (GREY, "-") if who == CLIENTS else (GREY, (0, (1, 4))) if who in strangers else (PALE, "-")
        label = "history not shown" if who in strangers[:1] else "_"
        ax.axhline(y, color=color, lw=1, ls=style, zorder=0.9, label=label)
    edge = ax.get_xlim()[1]
    for (who, _), events in by_run(frame).items():
        begin, last = along.at(events.time.iloc[0], who), events.iloc[-1]
        end = along.at(last.time, who) if last.type in ENDS or last.type == NEXT_RUN else edge
        ax.plot([begin, end], [lanes.index(who)] * 2, color=INK, lw=1.8, zorder=1, solid_capstyle="butt")


def draw_waiting(ax: Axes, sent: Sequence[Message], lanes: list[str], along: Time) -> None:
    """Draw the waiting time of each update as a broad line."""
    answers = [message for message in sent if message.kind == "answer"]
    for ask in (message for message in sent if message.kind == "ask"):
        asked = (ask.receiver, ask.name)
        answer = next((one for one in answers if (one.sender, one.name) == asked and one.sent >= ask.sent), None)
        end = ax.get_xlim()[1]
        if answer is not None:
            answers.remove(answer)
            end = along.at(answer.sent, answer.sender)
        y = lanes.index(ask.receiver)
        how: dict[str, Any] = {"color": LOOKS["ask"].color, "lw": 7, "alpha": 0.35, "zorder": 0.95}
        ax.plot([along.at(ask.sent, ask.receiver), end], [y, y], **how)


def draw_arrow(ax: Axes, message: Message, lanes: list[str], along: Time) -> None:
    """Draw one message as an arrow. The arrow of an undelivered message ends with a cross."""
    look = LOOKS[message.kind]
    x = [along.at(*end) for end in ends_of(message)]
    y = [lanes.index(message.sender), lanes.index(message.receiver)]
    ax.plot(x, y, color=look.color, ls=look.style, lw=look.width, zorder=2, solid_capstyle="butt", gid=message.kind)
    ax.plot(x[0], y[0], "o", ms=4, color=look.color, zorder=3)
    if message.kind == "lost":
        ax.plot(x[1], y[1], "X", ms=9, color=look.color, mec="white", zorder=3)
        return
    head = {"arrowstyle": "-|>", "lw": 0, "color": look.color, "mutation_scale": 15, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (x[1], y[1]), (x[0], y[0]), arrowprops=head, zorder=3)


def draw_labels(
    ax: Axes, sent: Sequence[Message], labels: list[str], lanes: list[str], along: Time, gap: float
) -> None:
    """Write the slanted labels above all lanes; a thin line joins each label to its arrow."""
    anchors = []
    for message, label in zip(sent, labels, strict=True):
        y = lanes.index(CLIENTS if message.kind == "answer" else message.sender)
        anchors.append((along.at(*ends_of(message)[0]), y, label, message.kind))
    anchors.sort(key=lambda anchor: anchor[0])
    top = -0.42
    for (x, y, label, kind), place in zip(anchors, spread([x for x, *_ in anchors], gap), strict=True):
        ax.plot([place, x, x], [top, -0.08, y], color=GREY, lw=0.7, ls=(0, (1, 1.5)), zorder=1.5)
        style = "italic" if kind == "answer" else "normal"
        how = {"rotation": LABEL_ANGLE, "rotation_mode": "anchor", "fontsize": LABEL_SIZE, "fontstyle": style}
        note(ax, label, (place, top), (1, 1), **how)


def draw_marks(ax: Axes, frame: pd.DataFrame, lanes: list[str], along: Time) -> None:
    """Draw marks for sent e-mails, continue-as-new and closed workflows. Add each kind of mark to the legend."""
    drawn = {line.get_gid() for line in ax.lines}
    for kind, look in LOOKS.items():
        if kind in drawn:
            marker = "X" if kind == "lost" else ""
            ax.plot([], [], color=look.color, ls=look.style, lw=look.width, marker=marker, ms=8, label=look.words)
    marks: list[tuple[Callable[[pd.DataFrame], Any], str, str, int, str]] = [
        (lambda of: (of.name == SEND_EMAIL) & (of.type == "ActivityTaskCompleted"), "e-mail sent", "D", 5, "orange"),
        (lambda of: of.type == NEXT_RUN, "continue-as-new", "v", 9, "vermillion"),
        (lambda of: of.type.isin(ENDS), "end", "s", 8, "black"),
    ]
    for chosen, words, marker, size, color in marks:
        events = frame[chosen(frame)]
        for number, (who, time, type_) in enumerate(zip(events.workflow_id, events.time, events.type, strict=True)):
            x, y = along.at(time, who), lanes.index(who)
            name = words if number == 0 else "_"
            ax.plot(x, y, marker, ms=size, color=PALETTE[color], mec="white", ls="", zorder=4, label=name)
            if words == "end":
                word = type_.removeprefix("WorkflowExecution").lower()
                note(ax, word, (x, y), (-4, -14), fontsize=LABEL_SIZE)


def draw_ticks(ax: Axes, along: Time, inch: float) -> None:
    """Write the times of the events below the x axis; leave out times that would overlap."""
    ticks: list[float] = []
    for place in sorted(along.ticks):
        if not ticks or place - ticks[-1] >= inch * (TICK_CHARACTER * len(along.ticks[place]) + 0.12):
            ticks.append(place)
    ax.set_xticks(ticks, [along.ticks[place] for place in ticks])
