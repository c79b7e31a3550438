"""Read event histories into DataFrames; a DataFrame contains all runs of a workflow."""

from __future__ import annotations

from loyalty.lab.history.frames import COLUMNS, fetch, frame, frame_of, load, summary

__all__ = ["COLUMNS", "fetch", "frame", "frame_of", "load", "summary"]
