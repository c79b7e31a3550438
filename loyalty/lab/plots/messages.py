"""Draw the messages between clients and workflows as a sequence diagram."""

from __future__ import annotations

from math import cos, radians, sin
from typing import TYPE_CHECKING, Literal

from loyalty.lab.plots.shared.drawing import (
    axes_or_new,
    counted,
    finish,
    inches,
    legend,
)
from loyalty.lab.plots.shared.message_lanes import (
    LABEL_ANGLE,
    LOOKS,
    draw_arrow,
    draw_labels,
    draw_lanes,
    draw_marks,
    draw_ticks,
    draw_waiting,
)
from loyalty.lab.plots.shared.sent_messages import CLIENTS, STARTS, Message, messages_in
from loyalty.lab.plots.shared.time_axis import Order, Time

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_MESSAGES = 40
"""The labels of more messages would overlap."""

MOST_LANES = 12
LABEL_LENGTH = 36
CHARACTER = 0.062
"""Inches; the width of a character in a label."""

BETWEEN_LABELS = 0.19
LANE_HEIGHT = 0.62
ONE_ROW = 5
"""The legend has one row up to this number of entries."""

AROUND = 1.45
"""Inches for the title, the ticks, the axis label and the legend."""


def messages(frame: pd.DataFrame, ax: Axes | None = None, *, by: Literal["order", "time"] = "order") -> Axes:
    """Draw one lane for all clients, one lane per workflow, and one arrow per message.

    `frame`: all or some rows of a DataFrame from `history.frame`.
    `by`: with "order", the events have equal distances; with "time", the x axis shows seconds.
    Each arrow shows one row of `sent_messages.messages_in`.
    Raise ValueError if there are no events, too many messages (MOST_MESSAGES) or too many workflows (MOST_LANES).
    """
    sent = [Message(*row) for row in messages_in(frame).itertuples(index=False)]
    mentioned = dict.fromkeys(who for message in sent for who in (message.sender, message.receiver))
    lanes = list(dict.fromkeys([CLIENTS, *frame.workflow_id, *mentioned]))
    if frame.empty or len(sent) > MOST_MESSAGES or len(lanes) - 1 > MOST_LANES:
        raise ValueError(
            f"Cannot draw {len(sent):,} messages among {len(lanes) - 1} workflows ({len(frame):,} events) in one "
            f"picture; expected events with up to {MOST_MESSAGES} messages among up to {MOST_LANES} workflows, "
            f"such as frame[frame.workflow_id.isin([...])] or frame[frame.time > ...]"
        )
    labels = [_label(message) for message in sent]
    longest = CHARACTER * max(map(len, labels), default=0)
    above, right = sin(radians(LABEL_ANGLE)) * longest + 0.2, cos(radians(LABEL_ANGLE)) * longest
    along = Order(sent, frame) if by == "order" else Time(frame)
    width = min(max(8, 3 + 0.2 * len(along.ticks)), 11) if by == "order" else 9
    ax = axes_or_new(ax, (width, above + LANE_HEIGHT * len(lanes) + AROUND))
    wide, high = inches(ax)
    above, right = min(above, 0.6 * high), min(right, 0.4 * wide)
    lane = (high - above) / len(lanes)
    room = along.last * wide / (wide - right) or 1
    ax.set_ylim(len(lanes) - 0.5, -0.5 - above / lane)
    ax.set_xlim(-0.03 * room, room)
    draw_lanes(ax, frame, lanes, along)
    draw_waiting(ax, sent, lanes, along)
    for message in sent:
        draw_arrow(ax, message, lanes, along)
    draw_labels(ax, sent, labels, lanes, along, gap=BETWEEN_LABELS * room / wide)
    draw_marks(ax, frame, lanes, along)
    if by == "order":
        draw_ticks(ax, along, inch=room / wide)
    else:
        ax.xaxis.set_major_formatter("{x:,g}")
    ax.set_yticks(range(len(lanes)), lanes)
    ax.spines["left"].set_visible(False)
    legend(ax, below=0.62 / high, columns=5 if len(ax.get_legend_handles_labels()[0]) <= ONE_ROW else 4)
    title = f"{counted(len(sent), 'message')} between clients and {counted(len(lanes) - 1, 'workflow')}"
    kinds = [message.kind for message in sent]
    counts = [f"{kinds.count(kind)} x {look.words}" for kind, look in LOOKS.items() if kind in kinds]
    labelled = ", ".join(f"{label} to {one.receiver}" for label, one in zip(labels, sent, strict=True))
    description = (
        f"Lanes: {', '.join(lanes)}. {', '.join(counts) or 'No messages'}. In order: {labelled or 'no messages'}"
    )
    return finish(ax, title, along.words, "workflow id", description=description)


def _label(message: Message) -> str:
    if message.kind == "answer":
        label = f"“{message.text}”" if message.text else f"{message.name}: done"
    else:
        label = message.name if message.name in STARTS else f"{message.name}({message.text})"
    return label if len(label) <= LABEL_LENGTH else label[: LABEL_LENGTH - 1] + "…"
