"""The wire contract of a household: names, ids, and the fields of all messages. Contains no logic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from loyalty.actor.messages import EndByOperator
from loyalty.messages import DEFAULT_HISTORY_THRESHOLD, GuestInvitation

WORKFLOW_TYPE = "HouseholdWorkflow"

ParentClosePolicyName: TypeAlias = Literal["abandon", "terminate", "requestCancel"]
"""The server's action on the members when the household closes. Continue-as-new has the same effect on members."""


def household_workflow_id(household_id: str) -> str:
    """Return the workflow id of a household, for example `household-lovelace` for the household `lovelace`."""
    return f"household-{household_id}"


# ---- the mailbox ----------------------------------------------------------------------------------------------


@dataclass
class AddMember:
    """Message of `addMember`: the household starts the workflow of a new member."""

    member: GuestInvitation
    kind: Literal["addMember"] = "addMember"


@dataclass
class GiveToAll:
    """Message of `giveToAll`: each member receives this number of points. The number is at least 1."""

    points: int
    kind: Literal["giveToAll"] = "giveToAll"


@dataclass
class ContinueAsNew:
    """Message of `continueAsNew`: the household continues as new, even if the history is short."""

    kind: Literal["continueAsNew"] = "continueAsNew"


@dataclass
class CloseHousehold:
    """Message of `closeHousehold`.

    The parent-close policy decides whether the server also closes the members' workflows.
    """

    kind: Literal["closeHousehold"] = "closeHousehold"


Tell: TypeAlias = AddMember | GiveToAll | ContinueAsNew | CloseHousehold

Message: TypeAlias = Tell | EndByOperator


# ---- state and input ------------------------------------------------------------------------------------------


@dataclass
class Household:
    """The complete state of a household. The list `members` contains customer ids, oldest member first."""

    household_id: str
    members: list[str] = field(default_factory=list)


@dataclass
class HouseholdInput:
    """Input of each run of a household's workflow.

    The field `parent_close_policy` applies to the members that this run starts. The field `history_threshold` is a
    number of events, for the household and the members. If `history_threshold` is None, the server suggests when to
    continue as new. A run fills `mailbox` for the next run; a client omits this field.
    """

    household: Household
    parent_close_policy: ParentClosePolicyName = "abandon"
    history_threshold: int | None = DEFAULT_HISTORY_THRESHOLD
    mailbox: list[Tell] = field(default_factory=list)
