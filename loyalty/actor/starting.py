"""A function that reads the input of a run, and checks the input of a first run. Runs inside a workflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from temporalio import workflow
from temporalio.converter import value_to_type

from loyalty.actor.refusals import Refused

InputT = TypeVar("InputT")

REFUSED_INPUTS = "refused-inputs"
"""Patch: a run ends at once if its input is refused. Only a run with such an input records the marker."""


def read(parse: Callable[..., InputT], shape: type[InputT], start: object, *surplus: object) -> InputT:
    """Return the input of this run; raise Refused if the input of a first run is not valid.

    The function does not check the input of a later run, because the previous run wrote this input. A run of an earlier
    release accepts any input that the SDK can convert.
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
