"""Pictures of event histories: a DataFrame of `loyalty.lab.history` in, matplotlib Axes out. Knows nothing of Temporal.

Every function draws on `ax`, or on a new figure of 8 x 4 inches or as large as it must be, and returns the Axes. What a
colour says, a label, a marker or a line style says too.
"""

from __future__ import annotations

from loyalty.lab.plots.bar_chart import bars
from loyalty.lab.plots.chronicle import timeline
from loyalty.lab.plots.conversation import messages
from loyalty.lab.plots.curves import growth, sawtooth
from loyalty.lab.plots.family import family_tree
from loyalty.lab.plots.served import served_by
from loyalty.lab.plots.strip import event_strip

__all__ = ["bars", "event_strip", "family_tree", "growth", "messages", "sawtooth", "served_by", "timeline"]
