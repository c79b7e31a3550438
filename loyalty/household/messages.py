"""The household's wire contract: names, ids and the shape of everything that is sent. Knows no logic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from loyalty.actor.messages import EndByOperator
from loyalty.messages import DEFAULT_HISTORY_THRESHOLD, GuestInvitation

WORKFLOW_TYPE = "HouseholdWorkflow"

ParentClosePolicyName: TypeAlias = Literal["abandon", "terminate", "requestCancel"]
"""What becomes of the members' accounts when the household closes, or continues as new: to them it is the same."""


def household_workflow_id(household_id: str) -> str:
    """Return the id of the household's actor; `household-lovelace` for `lovelace`."""
    return f"household-{household_id}"


# ---- the mailbox ----------------------------------------------------------------------------------------------


@dataclass
class AddMember:
    """`addMember`: open this person's account."""

    member: GuestInvitation
    kind: Literal["addMember"] = "addMember"


@dataclass
class GiveToAll:
    """`giveToAll`: `points` (more than 0) for each member. They are new points; the household has none of its own."""

    points: int
    kind: Literal["giveToAll"] = "giveToAll"


@dataclass
class ContinueAsNew:
    """`continueAsNew`: go on in a new run now, however short the history is."""

    kind: Literal["continueAsNew"] = "continueAsNew"


@dataclass
class CloseHousehold:
    """`closeHousehold`: the members' accounts are closed only where the parent-close policy says so."""

    kind: Literal["closeHousehold"] = "closeHousehold"


Tell: TypeAlias = AddMember | GiveToAll | ContinueAsNew | CloseHousehold

Message: TypeAlias = Tell | EndByOperator


# ---- state and input ------------------------------------------------------------------------------------------


@dataclass
class Household:
    """The actor's whole state; only `household_id` is required. `members` holds customer ids, oldest member first."""

    household_id: str
    members: list[str] = field(default_factory=list)


@dataclass
class HouseholdInput:
    """Input of the workflow, and of every run that continues it.

    `parent_close_policy` holds for children that this run opens. `history_threshold` counts events, also for the
    members' own runs; None follows the server's own suggestion. `mailbox` is what travels from run to run.
    """

    household: Household
    parent_close_policy: ParentClosePolicyName = "abandon"
    history_threshold: int | None = DEFAULT_HISTORY_THRESHOLD
    mailbox: list[Tell] = field(default_factory=list)
