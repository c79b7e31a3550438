"""Plots of event histories; no plot needs a Temporal server.

Most functions take a DataFrame from `loyalty.lab.history`. All functions return matplotlib Axes.
Without `ax`, a function makes a new figure of at least 8 x 4 inches.
Colour is never the only difference; labels, markers or line styles differ, too.
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
