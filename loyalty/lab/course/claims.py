"""Claims about Temporal and about this program, with a verdict for each claim."""

from __future__ import annotations

CLAIMS = {
    1: "An actor sends and receives messages, creates other actors, keeps state; a workflow can do all three",
    2: "State needs no database: the workflow keeps points and tiers",
    3: "A workflow can wait for messages forever without consuming resources",
    4: "If its worker dies, a workflow continues on another worker",
    5: "A failing e-mail must not stop the account: after about ten attempts, the account continues",
    6: 'Signals are one-way; an update answers ("Welcome to Gold Status!" at 1,000 points)',
    7: "A query after a signal may return old data if the signal's handler does something asynchronous",
    8: "Two actors can send requests and answers to each other as signals",
    9: "A signal with one integer adds one event and about 500 bytes",
    10: "51,200 addPoints signals reach the limit of the count, 104,858 the limit of the size; the count comes first",
    11: "At 51,200 events or 50 MB the server terminates the workflow",
    12: "Continue as new at about 20 % of the limit (10,000 events) leaves plenty of buffer",
    13: "Signals that are not processed before continue-as-new are lost forever",
    14: "If signals arrive faster than they are processed, the workflow never continues as new and ends at the limit",
    15: "The input of the next run must contain the state; otherwise the customer starts again with zero points",
    16: "Signal-with-start creates and messages an actor in one call; only a client can do it, so it needs an activity",
    17: "With reject-duplicate a closed account cannot be invited again; after the retention period the id is free",
    18: "Children are terminated when their parent continues as new, unless abandoned",
    19: "An unknown error of an invitation should fail the workflow",
    20: "Replay of a history restores the workflow's state, even after a power cut",
    22: "Workflows provide retries, order and visibility; plain calls and queues do not",
    23: "A saga that fails after payment refunds; compensations run in reverse order",
    24: "After a crash, a long activity can resume from its last heartbeat",
    25: "Orchestration is easier to read and debug than choreography; the orchestrator is a single point of failure, "
    "but not in Temporal",
}
"""The texts of the claims by number. Cells of the notebooks test the claims."""


def verdict(number: int, holds: bool, measured: str, condition: str = "") -> str:
    """Return a text with the claim, the measured value and the verdict."""
    word = "no longer true" if not holds else f"holds, with a condition: {condition}" if condition else "holds"
    return f"Claim {number}: {CLAIMS[number]}.\nMeasured: {measured}.\nVerdict: {word}."
