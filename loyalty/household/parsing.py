"""Functions that convert raw JSON arguments into a household's messages, or raise Refused.

The functions are pure; see loyalty.parsing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from loyalty import parsing
from loyalty.actor import start_input, values
from loyalty.actor.refusals import Refused, shown
from loyalty.household.messages import (
    AddMember,
    CloseHousehold,
    ContinueAsNew,
    GiveToAll,
    Household,
    HouseholdInput,
    ParentClosePolicyName,
    Tell,
    household_workflow_id,
)
from loyalty.messages import DEFAULT_HISTORY_THRESHOLD

MOST_MEMBERS = 100
"""The largest number of members. `giveToAll` signals all members at once; the server allows 2,000 signals at once."""

SIGNALS = ("addMember", "giveToAll", "continueAsNew", "closeHousehold")


def add_member(member: object = None, *surplus: object) -> AddMember:
    """Parse the argument of `addMember`. The server checks whether this customer already exists."""
    values.no_surplus("a new member", surplus, "one object")
    return AddMember(parsing.person(member))


def give_to_all(points: object = None, *surplus: object) -> GiveToAll:
    """Parse the argument of `giveToAll`."""
    values.no_surplus("a gift to all", surplus, "a number of points")
    return GiveToAll(parsing.whole_points(points, 1))


def continue_as_new(*surplus: object) -> ContinueAsNew:
    """Return the message of `continueAsNew`; raise Refused if there is an argument."""
    values.no_surplus("a wish to continue as new", surplus, "nothing")
    return ContinueAsNew()


def close_household(*surplus: object) -> CloseHousehold:
    """Return the message of `closeHousehold`; raise Refused if there is an argument."""
    values.no_surplus("a closure", surplus, "nothing")
    return CloseHousehold()


def household_input(start: object = None, *surplus: object, workflow_id: str) -> HouseholdInput:
    """Parse the input of a household. Refuse the input if the household id does not match `workflow_id`."""
    values.no_surplus("a household", surplus, "one object")
    raw = start_input.fields(start, HouseholdInput)
    return HouseholdInput(
        household=_household(raw["household"], workflow_id),
        parent_close_policy=_policy(raw.get("parent_close_policy", "abandon")),
        history_threshold=start_input.history_threshold(raw.get("history_threshold", DEFAULT_HISTORY_THRESHOLD)),
        mailbox=[
            start_input.of_kind(one, TELLS) for one in start_input.listed(raw.get("mailbox", []), "waiting messages")
        ],
    )


def _household(value: object, workflow_id: str) -> Household:
    raw = start_input.fields(value, Household)
    household_id = values.text(raw["household_id"], "a household id")
    start_input.refuse_other_id(workflow_id, household_workflow_id(household_id))
    members = [parsing.customer_id(one) for one in start_input.listed(raw.get("members", []), "members")]
    if len(members) > MOST_MEMBERS:
        raise Refused(f"Cannot start with {len(members):,} members; expected at most {MOST_MEMBERS}")
    return Household(household_id, members)


def _policy(value: object) -> ParentClosePolicyName:
    for policy in get_args(ParentClosePolicyName):
        if value == policy:
            chosen: ParentClosePolicyName = policy
            return chosen
    possible = ", ".join(get_args(ParentClosePolicyName))
    raise Refused(f"Cannot use {shown(value)} as parent_close_policy; expected {possible}")


def _add_member(raw: Mapping[str, Any]) -> AddMember:
    newcomer = add_member(raw.get("member"))
    values.exact_email(newcomer.member.email)
    return newcomer


TELLS: Mapping[str, Callable[[Mapping[str, Any]], Tell]] = {
    "addMember": _add_member,
    "giveToAll": lambda raw: give_to_all(raw.get("points")),
    "continueAsNew": lambda _: continue_as_new(),
    "closeHousehold": lambda _: close_household(),
}
