from __future__ import annotations

from loyalty.coffee.workflow import CoffeeOrderWorkflow
from loyalty.lab.course.code_lines import code_lines
from loyalty.lab.experiments.choreography import comparison


def test_the_code_for_changes_and_queries_is_not_counted() -> None:
    lines = comparison.lines_of_code()
    assert set(lines) == {"orchestrated", "choreographed"}
    assert 100 < lines["orchestrated"] < code_lines(CoffeeOrderWorkflow)
    assert lines["choreographed"] > 100
