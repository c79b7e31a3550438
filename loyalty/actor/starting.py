"""How a run reads its input: strictly in a first run, and as earlier releases did where their runs go on.

Runs inside a workflow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.converter import value_to_type

from loyalty.actor.refusals import Refused

InputT = TypeVar("InputT")

REFUSED_INPUTS = "refused-inputs"
"""Patch: a run ends at once where its input is refused. Only runs with such an input ask for it."""


def read(parse: Callable[..., InputT], shape: type[InputT], start: object, *surplus: object) -> InputT:
    """Return a run's input; raise Refused where a new customer or household cannot be started from it.

    The input of a later run was written by the run before. Releases before this one took it, and the inputs of first
    runs, as the SDK converts them, and so do their runs that go on.
    """
    info = workflow.info()
    if info.continued_run_id is None:
        try:
            return parse(start, *surplus, workflow_id=info.workflow_id)
        except Refused:
            if workflow.patched(REFUSED_INPUTS):
                raise
    converted: InputT = value_to_type(shape, start)
    return converted
