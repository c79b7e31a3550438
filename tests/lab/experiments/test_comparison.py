from __future__ import annotations

from loyalty.coffee.workflow import CoffeeOrderWorkflow
from loyalty.lab.course.code_lines import code_lines
from loyalty.lab.experiments.choreography import comparison


def test_number_of_code_lines_excludes_changes_and_queries() -> None:
    lines = comparison.lines_of_code()
    assert set(lines) == {"orchestrated", "choreographed"}
    assert 100 < lines["orchestrated"] < code_lines(CoffeeOrderWorkflow)
    assert lines["choreographed"] > 100
