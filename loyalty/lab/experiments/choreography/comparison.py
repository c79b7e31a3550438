"""Count the lines of code in the saga and in the choreography, for notebook 12."""

from __future__ import annotations

from loyalty.coffee import saga, steps, workflow
from loyalty.lab.course.code_lines import code_lines
from loyalty.lab.experiments.choreography import messages, service, services

ONLY_IN_A_SAGA = (
    *("change_item", "_validate_change_item", "_process_changes", "_change", "_take_difference"),
    *("_refuse_waiting_changes", "_too_late", "status", "progress"),
)
"""Methods of the saga without a counterpart in the choreography."""


def lines_of_code() -> dict[str, int]:
    """Return the number of code lines in the saga ("orchestrated") and in the choreography ("choreographed").

    Shared code is not counted. The code for queries and for changes of an order is not counted, because the
    choreography has no such code.
    """
    order = vars(workflow.CoffeeOrderWorkflow)
    return {
        "orchestrated": code_lines(workflow, saga, steps.Steps) - code_lines(*(order[name] for name in ONLY_IN_A_SAGA)),
        "choreographed": code_lines(services, service, messages),
    }
