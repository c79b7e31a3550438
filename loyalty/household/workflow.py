"""The household: an actor with one mailbox.

The members are customers; the household starts each member as a child workflow. The default parent-close policy is
ABANDON, because a customer must keep running for years. With any other policy, a child ends when the parent continues
as new.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from temporalio import workflow
from temporalio.common import RawValue, WorkflowIDReusePolicy
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    # `from loyalty.household import parsing` would load a copy of the module, and with it a second class named Refused.
    import loyalty.actor.starting as starting
    import loyalty.actor.values as values
    import loyalty.household.parsing as parsing
    from loyalty.actor.addresses import refuse_inexact
    from loyalty.actor.cancellation import finish_when_cancelled
    from loyalty.actor.failures import as_failure
    from loyalty.actor.mailbox import Envelope, Mailbox
    from loyalty.actor.messages import EndByOperator
    from loyalty.actor.refusals import Refused
    from loyalty.actor.run_meter import RunMeter
    from loyalty.household.messages import (
        WORKFLOW_TYPE,
        AddMember,
        CloseHousehold,
        ContinueAsNew,
        GiveToAll,
        Household,
        HouseholdInput,
        Message,
        ParentClosePolicyName,
        Tell,
    )
    from loyalty.messages import WORKFLOW_TYPE as CUSTOMER
    from loyalty.messages import Customer, CustomerInput, GuestInvitation, workflow_id

POLICIES: dict[ParentClosePolicyName, ParentClosePolicy] = {
    "abandon": ParentClosePolicy.ABANDON,
    "terminate": ParentClosePolicy.TERMINATE,
    "requestCancel": ParentClosePolicy.REQUEST_CANCEL,
}

REFUSED_MESSAGES_COUNT = "refused-messages-count"
"""Patch: a run that is long only because of refused messages continues as new. Only such a run records two events."""


@workflow.defn(name=WORKFLOW_TYPE)
class HouseholdWorkflow:
    """One household. The workflow id is `household-` followed by the household id. The state is one `Household`."""

    @workflow.init
    def __init__(self, start: HouseholdInput | None = None, *surplus: object) -> None:
        self._refusal: Refused | None = None
        try:
            self._start = starting.read(parsing.household_input, HouseholdInput, start, *surplus)
        except Refused as refusal:
            self._refusal = refusal
            self._start = HouseholdInput(Household(""))  # queries read this household; `run` ends at once
        self._household = self._start.household
        self._meter = RunMeter(self._start.history_threshold)
        self._mailbox = Mailbox[Tell, EndByOperator](self._start.mailbox, self._meter)
        self._is_open = True
        self._wants_new_run = False
        self._may_end_without_message = True

    @workflow.run
    async def run(self, start: HouseholdInput | None = None, *surplus: object) -> None:
        """Process messages until the household is closed. A cancellation request becomes the next message."""
        if self._refusal is not None:
            raise as_failure(self._refusal)
        # A cancellation in the middle could start a member that is missing in the list of members.
        await finish_when_cancelled(self._live(), lambda: self._mailbox.put_first(EndByOperator()))

    async def _live(self) -> None:
        while self._is_open or self._mailbox:
            await self._mailbox.wait_for_message(or_else=self._grew_long_by_refused_messages)
            if self._mailbox:
                await self._process(self._mailbox.take())
            elif not workflow.patched(REFUSED_MESSAGES_COUNT):
                self._may_end_without_message = False
                continue
            if self._is_open and self._is_time_for_a_new_run() and self._mailbox.can_travel():
                workflow.continue_as_new(self._next_input())

    async def _process(self, envelope: Envelope[Message]) -> None:
        try:
            if not self._is_open:
                raise Refused(f"Cannot do this for {self._household.household_id}; the household is closed")
            match envelope.message:
                case AddMember(member):
                    await self._add_member(member)
                case GiveToAll(points):
                    await asyncio.gather(*(self._give(points, member) for member in list(self._household.members)))
                case ContinueAsNew():
                    self._wants_new_run = True
                case CloseHousehold() | EndByOperator():
                    self._is_open = False
                case _:
                    assert_never(envelope.message)
        except Refused as refusal:
            envelope.refuse(refusal)

    # ---- messages ---------------------------------------------------------------------------------------------
    # `*surplus` accepts surplus arguments, and keeps the SDK from guessing types: see loyalty.parsing.

    @workflow.signal(name="addMember")
    def add_member(self, member: GuestInvitation | None = None, *surplus: object) -> None:
        """Start a new customer as a child workflow of this household."""
        self._mailbox.tell(parsing.add_member, member, *surplus)

    @workflow.signal(name="giveToAll")
    def give_to_all(self, points: int | None = None, *surplus: object) -> None:
        """Send this number of points to each member."""
        self._mailbox.tell(parsing.give_to_all, points, *surplus)

    @workflow.signal(name="continueAsNew")
    def continue_as_new(self, *surplus: object) -> None:
        """Continue as new after this message."""
        self._mailbox.tell(parsing.continue_as_new, *surplus)

    @workflow.signal(name="closeHousehold")
    def close_household(self, *surplus: object) -> None:
        """Close the household."""
        self._mailbox.tell(parsing.close_household, *surplus)

    @workflow.signal(dynamic=True)
    def unknown_signal(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Log a signal with an unknown name."""
        self._mailbox.tell(values.unknown_signal, name, parsing.SIGNALS)

    @workflow.query(name="getMembers")
    def get_members(self) -> list[str]:
        """Return the customer ids of the members, oldest member first."""
        return self._household.members

    # ---- members ----------------------------------------------------------------------------------------------

    async def _add_member(self, member: GuestInvitation) -> None:
        """Start the member's workflow; raise Refused if the customer has an account or has closed it."""
        refuse_inexact(member.email)
        if len(self._household.members) >= parsing.MOST_MEMBERS:
            raise Refused(f"Cannot add {member.customer_id}; a household has at most {parsing.MOST_MEMBERS} members")
        customer = Customer(member.customer_id, member.name, member.email)
        try:
            await workflow.start_child_workflow(
                CUSTOMER,
                CustomerInput(customer, history_threshold=self._start.history_threshold),
                id=workflow_id(member.customer_id),
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=POLICIES[self._start.parent_close_policy],
            )
        except WorkflowAlreadyStartedError as duplicate:
            raise Refused(f"Cannot add {member.customer_id}; this customer has, or had, an account") from duplicate
        self._household.members.append(member.customer_id)

    async def _give(self, points: int, member: str) -> None:
        # The handle of a child is valid only in the run that started the child. An external handle is valid in any run.
        customer = workflow.get_external_workflow_handle(workflow_id(member))
        try:
            await customer.signal("addPoints", points)
        except FailureError as failure:
            workflow.logger.warning("Could not give %d points to %s, whose workflow ended: %s", points, member, failure)
            self._household.members.remove(member)

    # ---- end of a run -----------------------------------------------------------------------------------------

    def _grew_long_by_refused_messages(self) -> bool:
        return self._may_end_without_message and self._meter.is_long_by_messages()

    def _is_time_for_a_new_run(self) -> bool:
        return self._wants_new_run or self._meter.decide_to_end()

    def _next_input(self) -> HouseholdInput:
        return replace(self._start, household=self._household, mailbox=self._mailbox.carry())
