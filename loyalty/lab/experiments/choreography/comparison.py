"""How long the two ways of serving an order are, for notebook 12."""

from __future__ import annotations

from loyalty.coffee import saga, steps, workflow
from loyalty.lab.course.code_lines import code_lines
from loyalty.lab.experiments.choreography import messages, service, services

ONLY_IN_A_SAGA = (
    *("change_item", "_validate_change_item", "_serve_changes", "_change", "_take_difference"),
    *("_refuse_waiting_changes", "_too_late", "status", "progress"),
)
"""Methods of the orchestrated order that the choreography has nothing to compare with."""


def lines_of_code() -> dict[str, int]:
    """Return the lines of code of an order's steps, "orchestrated" and "choreographed".

    Not counted are what both share, and what only the orchestrated order offers: queries, and changes of an order.
    """
    order = vars(workflow.CoffeeOrderWorkflow)
    return {
        "orchestrated": code_lines(workflow, saga, steps.Steps) - code_lines(*(order[name] for name in ONLY_IN_A_SAGA)),
        "choreographed": code_lines(services, service, messages),
    }
