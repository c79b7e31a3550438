"""Test the alternative texts of images from the lab, and the labels of links and fields.

The numbers in brackets are success criteria of the Web Content Accessibility Guidelines (WCAG) 2.2.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from matplotlib.figure import Figure

from loyalty.lab import plots
from loyalty.lab.course.predictions import Prediction
from loyalty.lab.jupyter.links import Link
from tests.support.accessibility import GALLERY, HOUSE, KEPT, Draw, Images, each_picture, figure_of
from tests.support.pictures import frame_of_runs

pytestmark = pytest.mark.slow


def strings(path: Path) -> Iterator[str]:
    """Yield the texts in a module; an f-string is one text."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)  # type: ignore[misc]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_images_from_the_lab_have_alternative_texts() -> None:
    made = 0
    for path in (HOUSE / "loyalty").rglob("*.py"):
        for text in strings(path):
            made += text.count("<img ")
            assert all(Images(text).alt), f"{path.name}: {text}"
            for svg in re.findall(r"<svg\b[^>]*>", text):
                assert "aria-label=" in svg or "<title>" in text, f"{path.name}: {text}"
    assert made, "the lab has images"
    for path in (HOUSE / "loyalty").rglob("*.svg"):
        svg = path.read_text()
        assert re.search(r'<svg[^>]* role="img"[^>]* aria-label="\w[^"]+"', svg), f"{path.name} has no alternative text"


def test_printed_link_describes_its_target() -> None:
    assert ">customer-ada in the Temporal Web UI</a>" in Link("/x", "customer-ada in the Temporal Web UI")._repr_html_()


def test_input_field_for_a_prediction_has_a_label() -> None:
    question, answer = Prediction("how many?", 4, "events")._form().children
    number, unit = answer.children
    assert number.description == "Your prediction:", "a screen reader reads the label of the field [1.3.1]"
    assert "How many?" in question.value
    assert unit.value == "events"
    number.value = 7


def test_gallery_of_the_tests_contains_every_plot() -> None:
    assert {name.partition(" ")[0] for name in GALLERY} == set(plots.__all__)


def shown(figure: Figure) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the data and the metadata that IPython sends to a notebook for a figure."""
    from IPython.core.formatters import DisplayFormatter

    data, metadata = DisplayFormatter().format(figure)  # type: ignore[no-untyped-call]
    return data, metadata


@each_picture
def test_plot_in_a_notebook_has_an_alternative_text(draw: Draw, story: pd.DataFrame) -> None:
    ax = draw(story)
    data, metadata = shown(figure_of(ax))
    (alt,) = Images(data["text/html"]).alt
    title, _, description = alt.partition(". ")
    assert title == ax.get_title(loc="left")
    assert len(description.split()) >= 5
    assert not re.search(r"\b(nan|None|NaT)\b|<NA>|\{|\.\.$", alt), alt
    assert f'src="data:image/png;base64,{data["image/png"]}"' in data["text/html"]
    assert metadata["image/png"]["alt"] == data["text/plain"] == alt, "exported notebooks have the text, too"


TEXTS = {
    "bars": "Points kept. One bar per value, in points: naive 18 of 300, carrying 300 of 300.",
    "event_sequence": "10 events of an event history, in order. Events 1 to 10: 1 x Signal, 1 x Update, 3 x Workflow "
    "Task, 5 x Activity. In order: addPoints at 1, sendEmail at 5, addLoyaltyPoint at 6, sendEmail at 9.",
    "growth with predictions": "How fast the event history grows. customer-ada, run 1: 42 events after 4 purchases; "
    "customer-ada, run 2: 42 events after 4 purchases; customer-ada, run 3: 41 events after 4 purchases; mine: 4 per "
    "purchase; hers: 9 per purchase; server warns at 10,240; limit at 51,200.",
    "sawtooth": "125 events in 3 runs, at most 42 in one event history. One tooth per run, 0.124 seconds in all; "
    "events per run: 42, 42, 41; threshold at 40; limit at 51,200.",
    "timeline": "Messages, tasks and processes over time. 9.0 seconds; customer-ada: 1 Signal, 1 Update, 1 x "
    "Workflow Tasks, 2 x sendEmail, 1 failed; worker 1 (3) killed; worker 2 (4) stopped; no worker for "
    "4.0 s; no worker for 1.2 s; mail server down for 1.0 s.",
    "tasks_by_worker": "Tasks completed by each worker: 2 workers, 1 customer. worker 1 (3), killed: 1 task, "
    "0 activities, 1 customer; worker 2 (4), stopped: 0 tasks, 1 activity, 1 customer.",
}


@pytest.mark.parametrize("name", TEXTS)
def test_alternative_text_describes_the_plot(name: str, story: pd.DataFrame) -> None:
    assert GALLERY[name](story).get_label() == TEXTS[name]


def test_alternative_text_mentions_workflows_and_messages(story: pd.DataFrame) -> None:
    assert "invited by ada: mary (completed)" in str(plots.family_tree(story).get_label())
    text = str(plots.messages(story).get_label())
    assert re.search(r", \d x ask \(update\), \d x answer,", text)
    assert "inviteGuest(mary) to customer-ada" in text


def test_alternative_text_is_short_even_for_a_plot_of_many_runs() -> None:
    assert len(str(plots.sawtooth(frame_of_runs(60, 1), threshold=10).get_label()).split()) < 60


def test_drawing_on_existing_axes_does_not_change_the_figure(story: pd.DataFrame) -> None:
    figure = Figure()
    plots.bars(KEPT, "Points kept", "points", figure.subplots())
    assert not hasattr(figure, "_repr_mimebundle_")


def test_image_below_a_notebook_cell_has_an_alternative_text() -> None:
    from nbclient import NotebookClient

    cell = (
        "import pandas as pd\nfrom loyalty.lab import plots\nplots.bars(pd.Series({'a': 1, 'b': 2}), 'Two', 'points');"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=60).execute()
    (output,) = notebook.cells[0].outputs
    assert Images(output.data["text/html"]).alt == ["Two. One bar per value, in points: a 1, b 2."]
