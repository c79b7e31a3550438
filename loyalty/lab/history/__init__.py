"""Event histories as DataFrames, following a customer across continue-as-new. Recorded ones need no server."""

from __future__ import annotations

from loyalty.lab.history.frames import COLUMNS, fetch, frame, frame_of, load, summary

__all__ = ["COLUMNS", "fetch", "frame", "frame_of", "load", "summary"]
