"""Pictures of event histories: a DataFrame of `loyalty.lab.history` in, matplotlib Axes out. Knows nothing of Temporal.

Every function draws on `ax`, or on a new figure of 8 x 4 inches or as large as it must be, and returns the Axes. What a
colour says, a label, a marker or a line style says too.
"""

from __future__ import annotations

from loyalty.lab.plots.bars import bars
from loyalty.lab.plots.event_sequence import event_sequence
from loyalty.lab.plots.family_tree import family_tree
from loyalty.lab.plots.growth import growth
from loyalty.lab.plots.messages import messages
from loyalty.lab.plots.sawtooth import sawtooth
from loyalty.lab.plots.tasks_by_worker import tasks_by_worker
from loyalty.lab.plots.timeline import timeline

__all__ = ["bars", "event_sequence", "family_tree", "growth", "messages", "sawtooth", "tasks_by_worker", "timeline"]
