"""Claims that articles make about Temporal and about this program, and the words of their verdicts."""

from __future__ import annotations

CLAIMS = {
    1: "An actor sends and receives messages, creates other actors, keeps state; a workflow can do all three",
    2: "State needs no database: points and tiers live in the workflow",
    3: "A workflow can wait for messages for ever without consuming resources",
    4: "If the worker running it dies, the workflow goes on at another",
    5: "A failing e-mail must not stop the account: about ten attempts, then go on",
    6: 'Signals are one-way; an update answers ("Welcome to Gold Status!" at 1,000 points)',
    7: "A query after a signal may be stale if handling the signal does something asynchronous",
    8: "Two actors can call and answer by signalling each other",
    9: "A signal with one integer adds one event and about 500 bytes",
    10: "51,200 addPoints signals, or 104,858 by size, reach the limits; the count comes first",
    11: "At 51,200 events or 50 MB the server terminates the workflow",
    12: "Continue as new at about 20 % of the limit (10,000 events) leaves plenty of buffer",
    13: "Pending signals that are not drained before continue-as-new are lost for ever",
    14: "If signals come faster than they are drained, the workflow never continues as new and dies at the limit",
    15: "The inputs of the next run must carry the state, or the customer wakes up with zero points",
    16: "Signal-with-start creates and messages an actor in one call; only a client can do it, so it needs an activity",
    17: "With reject-duplicate a closed account cannot be invited again; after the retention period the id is free",
    18: "Children are terminated when their parent continues as new, unless abandoned",
    19: "Unknown failures while inviting should fail the workflow loudly",
    20: "A replayed history puts the code back into the state it had; a machine may lose power in the middle",
    22: "Workflows give retries, order and visibility where plain calls and queues do not",
    23: "A saga that fails after payment refunds; compensations run in reverse order",
    24: "Heartbeats let a long activity be resumed after a crash",
    25: "Orchestration is easier to read and debug than choreography; its broker is a single point of failure, but not "
    "in Temporal",
}
"""Texts by number; a notebook's cells put them to the test."""


def verdict(number: int, holds: bool, measured: str, condition: str = "") -> str:
    """Return the verdict on a claim: what was `measured`, and whether it holds, under a `condition` or without."""
    word = "no longer true" if not holds else f"holds, with a condition: {condition}" if condition else "holds"
    return f"Claim {number}: {CLAIMS[number]}.\nMeasured: {measured}.\nVerdict: {word}."
