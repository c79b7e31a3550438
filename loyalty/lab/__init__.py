"""What a notebook holds: a Temporal server, worker processes, an inbox, DataFrames, plots and checks.

Imports the program and is never imported by it.
"""

from loyalty.lab.errors import LabError
from loyalty.lab.lab import Lab
from loyalty.lab.waiting import settled, until

__all__ = ["Lab", "LabError", "settled", "until"]
