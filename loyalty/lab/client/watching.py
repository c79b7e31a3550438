"""Watch the calls of the lab's client: print hints about long calls, and end calls at a deadline.

Without the interceptor, a call in a notebook can wait forever. The interceptor reports failing workflow code, a task
queue without a worker, and a missing server.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from temporalio.client import (
    Client,
    FetchWorkflowHistoryEventsInput,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowUpdateInput,
    StartWorkflowUpdateWithStartInput,
    WorkflowHistoryEventAsyncIterator,
    WorkflowUpdateHandle,
)
from temporalio.service import RPCError, RPCStatusCode

from loyalty.lab.client.call_errors import NamespaceIsGone, Unanswered, names_lost_namespace
from loyalty.lab.client.call_names import Waiting, waiting_for
from loyalty.lab.client.failing_tasks import refuse_failing_code
from loyalty.lab.client.lab_state import LabState
from loyalty.lab.client.notices import is_due, say
from loyalty.lab.errors import WaitedTooLong

T = TypeVar("T")

LOOK_EVERY_SECONDS = 1.0

GONE_LOOKS = 2
"""A server is gone after this many failed health checks in a row. After one failed check, it may be starting again."""

OUT_OF_TIME = (RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED)


class Watching(Interceptor):
    """An interceptor that watches each call of a client. A call ends after `patience` seconds."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self.lab_state = LabState()

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Return an interceptor that watches the calls of the client and passes them on to `next`."""
        return _WatchingOutbound(next, self._patience, self.lab_state)


def lab_state_of(client: Client) -> LabState:
    """Return the lab state of a client. A client that belongs to no lab has a new, empty state."""
    interceptors = client.config(active_config=True)["interceptors"]
    return next((one.lab_state for one in interceptors if isinstance(one, Watching)), LabState())


class _WatchingOutbound(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, patience: float, lab_state: LabState) -> None:
        super().__init__(next)
        self._client: Client = next._client  # type: ignore[attr-defined]  # the SDK's innermost interceptor
        self._patience = patience
        self._lab_state = lab_state

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:
        waiting = Waiting(f"the update {input.update} of {input.id}", input.id, input.run_id, True, input.rpc_timeout)
        handle = await self._watch(super().start_workflow_update, waiting, input)
        return self._watched_update(handle, waiting)

    async def start_update_with_start_workflow(
        self, input: StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        id = input.start_workflow_input.id
        what = f"the update {input.update_workflow_input.update} of {id}"
        waiting = Waiting(what, id, None, True, input.rpc_timeout)
        handle = await self._watch(super().start_update_with_start_workflow, waiting, input)
        return self._watched_update(handle, waiting)

    def _watched_update(self, handle: WorkflowUpdateHandle[Any], started: Waiting) -> WorkflowUpdateHandle[Any]:
        poll = handle._poll_until_outcome  # result() of an update passes no interceptor

        async def poll_watched(**options: Any) -> None:
            what = f"the result of {started.what}"
            await self._watch(poll, Waiting(what, started.id, started.run_id, True, started.rpc_timeout), **options)

        handle._poll_until_outcome = poll_watched  # type: ignore[method-assign, assignment]
        return handle

    def fetch_workflow_history_events(
        self, input: FetchWorkflowHistoryEventsInput
    ) -> WorkflowHistoryEventAsyncIterator:
        what = f"the {'result' if input.wait_new_event else 'event history'} of {input.id}"
        waiting = Waiting(what, input.id, input.run_id, input.wait_new_event, input.rpc_timeout)
        events = self._watched_pages(super().fetch_workflow_history_events(input), waiting)
        return cast(WorkflowHistoryEventAsyncIterator, events)

    def _watched_pages(self, pages: Any, waiting: Waiting) -> Any:
        fetch, had_events = pages.fetch_next_page, True

        async def fetch_watched(*, page_size: int | None = None) -> None:
            nonlocal had_events
            if had_events:  # the server ends a request without new events after 20 s; the SDK repeats it
                waiting.began, waiting.said = time.monotonic(), False
            await self._watch(fetch, waiting, page_size=page_size)
            had_events = bool(pages.current_page)

        pages.fetch_next_page = fetch_watched
        return pages

    async def _watch(self, call: Callable[..., Awaitable[T]], waiting: Waiting, *arguments: Any, **options: Any) -> T:
        self._lab_state.refuse_if_stopped(waiting.what, self._client.namespace)
        calling = asyncio.ensure_future(call(*arguments, **options))
        try:
            while not (await asyncio.wait({calling}, timeout=LOOK_EVERY_SECONDS))[0]:
                await self._look(waiting)
        finally:
            if not calling.done():
                calling.cancel()
                await asyncio.gather(calling, return_exceptions=True)
        try:
            return calling.result()
        except RPCError as error:
            await self._explain(error, waiting)
            raise

    async def _look(self, waiting: Waiting) -> None:
        """Raise LabError if the call cannot succeed. Print one hint if the call takes long."""
        self._lab_state.refuse_if_stopped(waiting.what, self._client.namespace)
        waiting.gone_looks = 0 if await self._lab_state.server_answers(self._client) else waiting.gone_looks + 1
        if waiting.gone_looks >= GONE_LOOKS:
            raise self._lab_state.server_is_gone(self._client, waiting.what)
        await self._refuse_failing_code(waiting)
        waited = time.monotonic() - waiting.began
        if waited >= self._patience:
            raise WaitedTooLong(f"Waited {waited:.0f} s for {waiting.what}; {await self._state(waiting)}")
        if not waiting.said and is_due(waiting.began):
            waiting.said = True
            say(f"Still waiting for {waiting.what}, {self._patience:g} s at most: {await self._state(waiting)}")

    async def _explain(self, error: RPCError, waiting: Waiting) -> None:
        """If the SDK's error is not clear, raise a clearer error for the learner."""
        if names_lost_namespace(error):
            raise NamespaceIsGone(
                f"The namespace {self._client.namespace} does not exist any more ({error.message}). Either the "
                "namespace was deleted, or a server without a database file was started again. Run the cells again "
                "that start the lab and make this handle",
                error,
            ) from error
        if error.status == RPCStatusCode.UNAVAILABLE and not await self._lab_state.server_answers(self._client):
            raise self._lab_state.server_is_gone(self._client, waiting.what) from error
        if error.status == RPCStatusCode.NOT_FOUND:
            return
        if error.status != RPCStatusCode.CANCELLED:
            await self._refuse_failing_code(waiting)
        waited = time.monotonic() - waiting.began
        if error.status in OUT_OF_TIME and waiting.rpc_timeout is None and is_due(waiting.began):
            sentence = f"Waited {waited:.0f} s for {waiting.what}; {await self._state(waiting)} ({error.message})"
            raise Unanswered(sentence, error) from error

    async def _refuse_failing_code(self, waiting: Waiting) -> None:
        if waiting.id is not None and waiting.needs_code:
            await refuse_failing_code(self._client, waiting.id, waiting.run_id or "")

    async def _state(self, waiting: Waiting) -> str:
        if waiting.id is None:
            return "the server has not answered yet"
        return await self._lab_state.about_workflow(self._client, waiting.id, waiting.run_id)


def _watched(method: str, returns_pages: bool) -> Any:
    """Return a new interceptor method that watches the SDK's `method`."""

    def watched_pages(self: _WatchingOutbound, input: Any) -> Any:
        return self._watched_pages(getattr(self.next, method)(input), waiting_for(method, input))

    async def watched(self: _WatchingOutbound, input: Any) -> Any:
        return await self._watch(getattr(self.next, method), waiting_for(method, input), input)

    return watched_pages if returns_pages else watched


for _name, _method in vars(OutboundInterceptor).items():
    if not _name.startswith("_") and _name not in vars(_WatchingOutbound):
        setattr(_WatchingOutbound, _name, _watched(_name, not inspect.iscoroutinefunction(_method)))
