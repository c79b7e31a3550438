"""For everybody: words for every picture, headings in order, links that lead on, colours for all eyes.

What a machine can check of the Web Content Accessibility Guidelines (WCAG) 2.2; the numbers in brackets are theirs.
"""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from coloraide import Color
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from loyalty.lab import plots
from loyalty.lab.course.predictions import Prediction
from loyalty.lab.jupyter.links import Link
from loyalty.lab.plots.shared import drawing, worker_bars
from tests.support.pictures import frame_of_events, frame_of_runs, frame_of_uptimes

pytestmark = pytest.mark.slow

HOUSE = Path(__file__).parents[2]
README = HOUSE / "README.md"
NOTEBOOKS = sorted((HOUSE / "notebooks").glob("*.ipynb"))

each_document = pytest.mark.parametrize("path", [*NOTEBOOKS, README], ids=lambda path: path.stem)
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


# ---- what is read ----------------------------------------------------------------------------------------------


def markdown(path: Path) -> str:
    """Return the prose of a document, with its diagrams and examples of code."""
    if path.suffix != ".ipynb":
        return path.read_text()
    cells = nbformat.read(path, as_version=4).cells  # type: ignore[no-untyped-call]
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def prose(path: Path) -> str:
    """Return what is left without diagrams and code, in which `#` begins a comment and brackets are no links."""
    return re.sub(r"`[^`\n]+`", lambda code: code[0].strip("`"), re.sub(r"(?ms)^```.*?^```", "", markdown(path)))


def headings(path: Path) -> list[tuple[int, str]]:
    found = re.findall(r"^(#+) +(.+?) *$", prose(path), flags=re.MULTILINE)
    return [(len(mark), words) for mark, words in found]


def anchors(path: Path) -> set[str]:
    """Return what a link may name after `#`: as JupyterLab makes it of a heading, or as repository hosts do."""
    words = [words for _, words in headings(path)]
    if path.suffix == ".ipynb":
        return {heading.replace(" ", "-") for heading in words}
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in words}


def links(text: str) -> list[tuple[str, str]]:
    """Return (words, target) of each link that is no image."""
    return re.findall(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", text)


@each_document
def test_headings_are_in_order(path: Path) -> None:
    levels = [level for level, _ in headings(path)]
    assert levels[0] == 1, "the title comes first"
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), (
        f"{path.name} skips a level [1.3.1]"
    )


@each_document
def test_no_two_headings_have_the_same_words(path: Path) -> None:
    words = [words for _, words in headings(path)]
    assert len(set(words)) == len(words), "a link could not tell them apart [2.4.6]"


@each_document
def test_every_link_leads_somewhere(path: Path) -> None:
    for words, target in links(prose(path)):
        name, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", name):
            assert re.match(r"https?://\w", name), f"{path.name} links to {target}"
            continue
        file = path.parent / name if name else path
        assert file.exists(), f"{path.name} links “{words}” to {name}, which does not exist"
        if anchor:
            assert anchor in anchors(file), f"{path.name} links to {target}; {file.name} has {sorted(anchors(file))}"


@each_document
def test_a_link_says_where_it_leads(path: Path) -> None:
    nothing = {"here", "this", "link", "this link", "this page", "click here", "more", "read more", "see"}
    vague = [words for words, _ in links(prose(path)) if words.lower().strip(" .*`") in nothing or "://" in words]
    assert not vague, f"{path.name}: where do {vague} lead? [2.4.4]"


@pytest.mark.parametrize(
    ("path", "following"), [*itertools.pairwise([*NOTEBOOKS, None])], ids=lambda path: str(path)[-9:]
)
def test_the_way_on_leads_to_the_next_notebook(path: Path, following: Path | None) -> None:
    way_on = prose(path).partition("\n## The way on\n")[2]
    (*_, (title, target)) = re.findall(r"\*\*Next:\*\* \[([^\]]+)\]\(([^)]+)\)", way_on) or [("", "")]
    if following is None:
        assert not target, f"{path.name} is the last notebook, and promises {target}"
        assert "the last notebook" in way_on, f"{path.name} does not say that it is the last"
        assert links(way_on), "a dead end"
    else:
        assert (title, target) == (following.stem, following.name), f"{path.name} goes on with {target or 'nothing'}"


def test_the_readme_lists_every_notebook_in_order() -> None:
    listed = [target for _, target in links(README.read_text()) if target.endswith(".ipynb")]
    assert listed == [f"notebooks/{path.name}" for path in NOTEBOOKS]


@each_document
def test_what_is_folded_says_what_it_is(path: Path) -> None:
    folds = re.findall(r"<details>\s*(<summary>[^<]+</summary>)?", prose(path))
    assert all(folds), f"{path.name} folds something without a summary"


# ---- words for pictures ----------------------------------------------------------------------------------------


class Images(HTMLParser):
    """Collects the alternative text of each `<img>`."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.alt: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.alt.append(dict(attrs).get("alt") or "")


@each_document
def test_every_image_has_words(path: Path) -> None:
    text = prose(path)
    for alt in [*re.findall(r"!\[([^\]]*)\]\(", text), *Images(text).alt]:
        assert len(alt.split()) >= 4, f"{path.name} has an image that only says “{alt}” [1.1.1]"


def diagrams(path: Path) -> list[str]:
    return re.findall(r"(?ms)^```mermaid$(.*?)^```", markdown(path))


@each_notebook
def test_every_diagram_has_words(path: Path) -> None:
    for diagram in diagrams(path):  # JupyterLab makes these the image's alternative text and its caption
        assert re.search(r"^ *accTitle: .+", diagram, flags=re.MULTILINE), f"{path.name}: a diagram without accTitle"
        description = re.search(r"^ *accDescr: (.+)", diagram, flags=re.MULTILINE)
        assert description is not None, f"{path.name}: a diagram without accDescr [1.1.1]"
        assert len(description[1].split()) >= 10


def test_there_are_diagrams() -> None:
    assert sum(len(diagrams(path)) for path in NOTEBOOKS) >= 2


@each_notebook
def test_the_lines_of_a_diagram_are_seen_in_both_themes(path: Path) -> None:
    for diagram in diagrams(path):
        color = re.search(r"linkStyle default stroke:(#\w+)", diagram)
        assert color is not None, f"{path.name}: without linkStyle a diagram keeps the lines of the theme it came up in"
        assert min(contrast(color[1], background) for background in BACKGROUNDS) >= GRAPHICS


def strings(path: Path) -> Iterator[str]:
    """Yield the texts in a module, those of an f-string as one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)  # type: ignore[misc]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_images_that_the_lab_makes_have_words() -> None:
    made = 0
    for path in (HOUSE / "loyalty").rglob("*.py"):
        for text in strings(path):
            made += text.count("<img ")
            assert all(Images(text).alt), f"{path.name}: {text}"
            for svg in re.findall(r"<svg\b[^>]*>", text):
                assert "aria-label=" in svg or "<title>" in text, f"{path.name}: {text}"
    assert made, "the lab makes images"
    for path in (HOUSE / "loyalty").rglob("*.svg"):
        svg = path.read_text()
        assert re.search(r'<svg[^>]* role="img"[^>]* aria-label="\w[^"]+"', svg), f"{path.name} has no words"


def test_a_link_that_the_lab_makes_says_where_it_leads() -> None:
    assert ">customer-ada in the Temporal Web UI</a>" in Link("/x", "customer-ada in the Temporal Web UI")._repr_html_()


def test_a_prediction_has_a_label() -> None:
    question, answer = Prediction("how many?", 4, "events")._form().children
    number, unit = answer.children
    assert number.description == "Your prediction:", "a field without a label is a riddle to those who hear it [1.3.1]"
    assert "How many?" in question.value
    assert unit.value == "events"
    number.value = 7


# ---- pictures by matplotlib ------------------------------------------------------------------------------------

WORKER_1, WORKER_2 = "3@host", "4@host"
UPTIMES = frame_of_uptimes(
    ("mail server", "mail server", -9, 5, "stopped"),
    ("mail server", "mail server", 6, None, None),
    ("worker", "worker 1", -2, 3, "killed"),
    ("worker", "worker 2", 7, 12, "stopped"),
)
MAIL: dict[str, object] = {"name": "sendEmail", "refers_to": 5}
MAILING = frame_of_events(
    (0, "WorkflowExecutionSignaled", {"name": "addPoints", "detail": "500"}),
    (0, "WorkflowTaskScheduled", {}),
    (0.1, "WorkflowTaskStarted", {"refers_to": 2, "identity": WORKER_1}),
    (0.2, "WorkflowTaskCompleted", {"refers_to": 2, "identity": WORKER_1}),
    (0.2, "ActivityTaskScheduled", {"name": "sendEmail"}),
    (8, "WorkflowExecutionUpdateAccepted", {"name": "addLoyaltyPoint", "detail": "1"}),
    (8, "ActivityTaskStarted", {**MAIL, "identity": WORKER_2, "attempt": 2, "detail": "StartToClose"}),
    (9, "ActivityTaskFailed", {**MAIL, "identity": WORKER_2, "detail": "refused"}),
    (9, "ActivityTaskScheduled", {"name": "sendEmail"}),
    (9, "ActivityTaskCompleted", {"name": "sendEmail", "refers_to": 9, "identity": WORKER_2}),
)
MANY = pd.concat([frame_of_runs(1, number, f"customer-{number}") for number in range(1, 13)])
KEPT = pd.Series({"naive": 18, "carrying": 300}).rename_axis("variant")

Draw = Callable[[pd.DataFrame], Axes]
GALLERY: dict[str, Draw] = {
    "bars": lambda _: plots.bars(KEPT, "Points kept", "points", of=300),
    "event_sequence": lambda _: plots.event_sequence(MAILING),
    "growth": lambda _: plots.growth(MANY, threshold=90, limit=100, warning=None),
    "growth with predictions": lambda _: plots.growth(
        frame_of_runs(), by="purchases", prediction={"mine": 4, "hers": 9}
    ),
    "sawtooth": lambda _: plots.sawtooth(frame_of_runs(), threshold=40),
    "messages": lambda story: plots.messages(story),
    "family_tree": lambda story: plots.family_tree(story),
    "timeline": lambda _: plots.timeline(MAILING, UPTIMES),
    "tasks_by_worker": lambda _: plots.tasks_by_worker(MAILING, UPTIMES),
}
each_picture = pytest.mark.parametrize("draw", GALLERY.values(), ids=GALLERY)


def test_the_gallery_has_every_picture() -> None:
    assert {name.partition(" ")[0] for name in GALLERY} == set(plots.__all__)


def figure_of(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def shown(figure: Figure) -> tuple[dict[str, str], dict[str, Any]]:
    """Return what IPython hands to a notebook that shows a figure."""
    from IPython.core.formatters import DisplayFormatter

    data, metadata = DisplayFormatter().format(figure)  # type: ignore[no-untyped-call]
    return data, metadata


@each_picture
def test_a_picture_has_words_in_the_notebook(draw: Draw, story: pd.DataFrame) -> None:
    ax = draw(story)
    data, metadata = shown(figure_of(ax))
    (alt,) = Images(data["text/html"]).alt
    title, _, description = alt.partition(". ")
    assert title == ax.get_title(loc="left")
    assert len(description.split()) >= 5
    assert not re.search(r"\b(nan|None|NaT)\b|<NA>|\{|\.\.$", alt), alt
    assert f'src="data:image/png;base64,{data["image/png"]}"' in data["text/html"]
    assert metadata["image/png"]["alt"] == data["text/plain"] == alt, "for what exports notebooks"


WORDS = {
    "bars": "Points kept. A bar for each, in points: naive 18 of 300, carrying 300 of 300.",
    "event_sequence": "10 events of an event history, in order. Events 1 to 10: 1 x Signal, 1 x Update, 3 x Workflow "
    "Task, 5 x Activity. In order: addPoints at 1, sendEmail at 5, addLoyaltyPoint at 6, sendEmail at 9.",
    "growth with predictions": "How fast the event history grows. customer-ada, run 1: 42 events after 4 purchases; "
    "customer-ada, run 2: 42 events after 4 purchases; customer-ada, run 3: 41 events after 4 purchases; mine: 4 per "
    "purchase; hers: 9 per purchase; server warns at 10,240; limit at 51,200.",
    "sawtooth": "125 events in 3 runs, never more than 42 in one event history. A saw with a tooth for each run, in "
    "0.124 seconds; events: 42, 42, 41; threshold at 40; limit at 51,200.",
    "timeline": "What happened when. 9.0 seconds; customer-ada: 1 Signal, 1 Update, 1 x Workflow Tasks, 2 x "
    "sendEmail, 1 failed; worker 1 (3) killed; worker 2 (4) stopped; no worker for 4.0 s; no worker for 1.2 s; "
    "mail server down for 1.0 s.",
    "tasks_by_worker": "Tasks completed by each worker: 2 workers, 1 customer. worker 1 (3), killed: 1 task, "
    "0 activities, 1 customer; worker 2 (4), stopped: 0 tasks, 1 activity, 1 customer.",
}


@pytest.mark.parametrize("name", WORDS)
def test_the_words_tell_what_there_is_to_see(name: str, story: pd.DataFrame) -> None:
    assert GALLERY[name](story).get_label() == WORDS[name]


def test_the_words_name_everybody(story: pd.DataFrame) -> None:
    assert "invited by ada: mary (completed)" in str(plots.family_tree(story).get_label())
    said = str(plots.messages(story).get_label())
    assert re.search(r", \d x ask \(update\), \d x answer,", said)
    assert "inviteGuest(mary) to customer-ada" in said


def test_a_life_of_many_runs_is_told_in_short() -> None:
    assert len(str(plots.sawtooth(frame_of_runs(60, 1), threshold=10).get_label()).split()) < 60


def test_pictures_side_by_side_are_the_learners_own(story: pd.DataFrame) -> None:
    figure = Figure()
    plots.bars(KEPT, "Points kept", "points", figure.subplots())
    assert not hasattr(figure, "_repr_mimebundle_")


def test_the_words_arrive_in_a_notebook_whose_cell_only_draws() -> None:
    from nbclient import NotebookClient

    cell = (
        "import pandas as pd\nfrom loyalty.lab import plots\nplots.bars(pd.Series({'a': 1, 'b': 2}), 'Two', 'points');"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=60).execute()
    (output,) = notebook.cells[0].outputs
    assert Images(output.data["text/html"]).alt == ["Two. A bar for each, in points: a 1, b 2."]


# ---- colours ---------------------------------------------------------------------------------------------------

GRAPHICS, WORDS_ON_GROUND = 3.0, 4.5
"""The contrasts that WCAG 2.2 demands of graphics [1.4.11] and of words [1.4.3]."""

BACKGROUNDS = ("white", "#111111")
"""Of JupyterLab's light and dark theme."""

MARK_DEGREES = 0.25
"""How large a marker of 6.5 points is, seen from 60 cm on a screen of 96 dots per inch."""

OBSERVERS = 0.8
"""The part of observers that must notice a difference; 0.5 is what is called just noticeable."""

EYES = {"all": None, "without red": "protan", "without green": "deutan", "without blue": "tritan"}


def contrast(one: Any, other: str) -> float:
    return float(Color(one).contrast(other, method="wcag21"))


def noticed(one: str, other: str, eyes: str | None) -> float:
    """Return the difference of two colours, as those eyes see them: at least 1 is noticed by that part of observers.

    M. Stone, D. A. Szafir and V. Setlur, An engineering model for color difference as a function of size (Color and
    Imaging Conference 2014): the differences along the axes of CIELAB that are noticed grow as marks get smaller. The
    paper measured marks of 1/3 to 6 degrees; ours go a little below. The eyes are those of coloraide: Viénot 1999
    without red or green, Brettel 1997 without blue.
    """
    seen = [(Color(color).filter(eyes) if eyes else Color(color)).convert("lab-d65").coords() for color in (one, other)]
    steps = [OBSERVERS * (a + b / MARK_DEGREES) for a, b in ((10.16, 1.50), (10.68, 3.08), (10.70, 5.74))]
    return math.hypot(*((x - y) / step for x, y, step in zip(*seen, steps, strict=True)))


@pytest.mark.parametrize("eyes", EYES.values(), ids=EYES)
def test_the_palette_can_be_told_apart_by_everybody(eyes: str | None) -> None:
    for (one, color), (other, another) in itertools.combinations({**drawing.PALETTE, "grey": drawing.GREY}.items(), 2):
        difference = noticed(color, another, eyes)
        assert difference >= 1, f"{one} and {other} look alike: {difference:.2f} of what is noticed"


@pytest.mark.parametrize("name", [*drawing.PALETTE, "grey", "ink"])
def test_every_colour_is_strong_enough_on_white(name: str) -> None:
    color = {**drawing.PALETTE, "grey": drawing.GREY, "ink": drawing.INK}[name]
    assert contrast(color, "white") >= GRAPHICS


@each_picture
def test_a_picture_has_a_white_ground_in_every_theme(draw: Draw, story: pd.DataFrame) -> None:
    ax = draw(story)
    assert to_rgba(figure_of(ax).get_facecolor()) == to_rgba(ax.get_facecolor()) == (1, 1, 1, 1)


def on_white(color: Any) -> str:
    """Return what becomes of a colour, which may be half transparent, on white."""
    *rgb, alpha = to_rgba(color)
    return str(Color("srgb", [alpha * part + 1 - alpha for part in rgb]).to_string(hex=True))


@each_picture
def test_words_can_be_read(draw: Draw, story: pd.DataFrame) -> None:
    ax = draw(story)
    legend = ax.get_legend()
    labels = [ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()]
    for text in [*ax.texts, *labels, *(legend.get_texts() if legend else [])]:
        read = contrast(on_white(text.get_color()), "white")
        assert read >= WORDS_ON_GROUND or not text.get_text(), f"“{text.get_text()}” has a contrast of {read:.1f}"


def test_the_names_of_runs_can_be_read_in_their_teeth() -> None:
    *_, blue = (
        text.get_color() for text in plots.sawtooth(frame_of_runs()).texts if text.get_text().startswith("run ")
    )
    assert contrast(blue, on_white((blue, 0.12))) >= WORDS_ON_GROUND


BEHIND = 1.0
"""What is drawn further behind are guides, and bands that have words."""


@each_picture
def test_lines_markers_and_bars_can_be_seen(draw: Draw, story: pd.DataFrame) -> None:
    ax = draw(story)
    for line in ax.lines:
        if line.get_zorder() >= BEHIND and line.get_alpha() is None:
            look = [line.get_color()] if line.get_linestyle() != "None" else []
            if line.get_marker() != "None":
                look.append(
                    max(
                        (line.get_markerfacecolor(), line.get_markeredgecolor()),
                        key=lambda c: contrast(on_white(c), "white"),
                    )
                )
            seen = [contrast(on_white(color), "white") for color in look]
            assert all(one >= GRAPHICS for one in seen), f"{line} in {look}: {seen}"
    for patch in ax.patches:
        if patch.get_zorder() >= BEHIND and patch.get_gid() != "break" and patch.get_width():  # type: ignore[attr-defined]
            seen = [contrast(on_white(color), "white") for color in (patch.get_facecolor(), patch.get_edgecolor())]
            assert max(seen) >= GRAPHICS, f"{patch} has contrasts of {seen}"


# ---- never colour alone ----------------------------------------------------------------------------------------

SAME_SHAPE = 0.1
"""Of the ink; two entries of a legend that differ less look the same in one colour."""


def in_one_colour(ax: Axes) -> dict[str, np.ndarray[Any, Any]]:
    """Return how each entry of the legend looks in one colour: an image of its ink, from 0 to 1."""
    figure, legend = figure_of(ax), ax.get_legend()
    if legend is None:
        return {}
    figure.set_size_inches(20, 10)  # room for every entry
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    darkness = 1 - np.asarray(canvas.buffer_rgba())[..., :3].mean(axis=2) / 255  # type: ignore[no-untyped-call]
    found = {}
    for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True):
        assert handle is not None
        box = handle.get_window_extent(canvas.get_renderer())  # type: ignore[no-untyped-call]
        x, y = round((box.x0 + box.x1) / 2), round(darkness.shape[0] - (box.y0 + box.y1) / 2)
        ink = darkness[y - 8 : y + 9, x - 19 : x + 20]
        found[text.get_text()] = ink / ink.max()
    return found


@each_picture
def test_a_legend_can_be_read_in_one_colour(draw: Draw, story: pd.DataFrame) -> None:
    for (one, ink), (other, another) in itertools.combinations(in_one_colour(draw(story)).items(), 2):
        difference = np.abs(ink - another).sum() / np.maximum(ink, another).sum()
        assert difference > SAME_SHAPE, f"“{one}” and “{other}” differ by colour alone: {difference:.2f} [1.4.1]"


def test_there_are_legends() -> None:
    assert len(in_one_colour(plots.growth(MANY))) == 12


def test_a_strip_has_a_row_for_each_colour() -> None:
    ax = plots.event_sequence(MAILING)
    rows = {(line.get_markeredgecolor(), float(np.asarray(line.get_ydata())[0])) for line in marks(ax)}
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert len(rows) == len({row for _, row in rows}) == len(names) == 4


def marks(ax: Axes) -> list[Line2D]:
    return [line for line in ax.lines if line.get_marker() != "None" and len(np.asarray(line.get_xdata()))]


def test_outages_and_ends_of_processes_have_words_patterns_and_shapes() -> None:
    ax = plots.timeline(MAILING, UPTIMES)
    written = [text.get_text() for text in ax.texts]
    assert {"no worker", "mail server down"} <= set(written)
    for look in zip(*worker_bars.DOWN.values(), strict=True):
        assert len(set(look)) == len(worker_bars.DOWN), "words, pattern and colour are each enough"
    assert len({marker for marker, _ in worker_bars.ENDS.values()}) == len(worker_bars.ENDS)
