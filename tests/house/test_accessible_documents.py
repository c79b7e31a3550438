"""Test headings, links, images and diagrams of the notebooks and of the README.

The numbers in brackets are success criteria of the Web Content Accessibility Guidelines (WCAG) 2.2.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import nbformat
import pytest

from tests.support.accessibility import BACKGROUNDS, GRAPHICS, HOUSE, Images, contrast

pytestmark = pytest.mark.slow

README = HOUSE / "README.md"
NOTEBOOKS = sorted((HOUSE / "notebooks").glob("*.ipynb"))

each_document = pytest.mark.parametrize("path", [*NOTEBOOKS, README], ids=lambda path: path.stem)
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def markdown(path: Path) -> str:
    """Return the markdown of a document, with its diagrams and code."""
    if path.suffix != ".ipynb":
        return path.read_text()
    cells = nbformat.read(path, as_version=4).cells  # type: ignore[no-untyped-call]
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def prose(path: Path) -> str:
    """Return the markdown without diagrams and code, because `#` and brackets have other meanings in code."""
    return re.sub(r"`[^`\n]+`", lambda code: code[0].strip("`"), re.sub(r"(?ms)^```.*?^```", "", markdown(path)))


def headings(path: Path) -> list[tuple[int, str]]:
    found = re.findall(r"^(#+) +(.+?) *$", prose(path), flags=re.MULTILINE)
    return [(len(mark), words) for mark, words in found]


def anchors(path: Path) -> set[str]:
    """Return the anchors of all headings.

    JupyterLab makes other anchors for notebooks than repository hosts make for files.
    """
    words = [words for _, words in headings(path)]
    if path.suffix == ".ipynb":
        return {heading.replace(" ", "-") for heading in words}
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in words}


def links(text: str) -> list[tuple[str, str]]:
    """Return (text, target) of each link that is not an image."""
    return re.findall(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", text)


@each_document
def test_no_heading_skips_a_level(path: Path) -> None:
    levels = [level for level, _ in headings(path)]
    assert levels[0] == 1, "the title comes first"
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), (
        f"{path.name} skips a level [1.3.1]"
    )


@each_document
def test_headings_of_a_document_are_unique(path: Path) -> None:
    words = [words for _, words in headings(path)]
    assert len(set(words)) == len(words), "two headings with the same text have the same anchor [2.4.6]"


@each_document
def test_target_of_each_link_exists(path: Path) -> None:
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
def test_text_of_each_link_describes_the_target(path: Path) -> None:
    nothing = {"here", "this", "link", "this link", "this page", "click here", "more", "read more", "see"}
    vague = [words for words, _ in links(prose(path)) if words.lower().strip(" .*`") in nothing or "://" in words]
    assert not vague, f"{path.name} has links with vague texts: {vague} [2.4.4]"


@pytest.mark.parametrize(
    ("path", "following"), [*itertools.pairwise([*NOTEBOOKS, None])], ids=lambda path: str(path)[-9:]
)
def test_last_section_of_a_notebook_links_to_the_next_notebook(path: Path, following: Path | None) -> None:
    way_on = prose(path).partition("\n## The way on\n")[2]
    (*_, (title, target)) = re.findall(r"\*\*Next:\*\* \[([^\]]+)\]\(([^)]+)\)", way_on) or [("", "")]
    if following is None:
        assert not target, f"{path.name} is the last notebook, but has a link to {target}"
        assert "the last notebook" in way_on, f"{path.name} does not name itself the last notebook"
        assert links(way_on), f"{path.name} ends without a link"
    else:
        assert (title, target) == (following.stem, following.name), (
            f"{path.name} links to {target or 'no notebook'} as the next one"
        )


def test_readme_lists_every_notebook_in_order() -> None:
    listed = [target for _, target in links(README.read_text()) if target.endswith(".ipynb")]
    assert listed == [f"notebooks/{path.name}" for path in NOTEBOOKS]


@each_document
def test_each_folded_part_has_a_summary(path: Path) -> None:
    folds = re.findall(r"<details>\s*(<summary>[^<]+</summary>)?", prose(path))
    assert all(folds), f"{path.name} has a folded part without a summary"


@each_document
def test_every_image_has_an_alternative_text(path: Path) -> None:
    text = prose(path)
    for alt in [*re.findall(r"!\[([^\]]*)\]\(", text), *Images(text).alt]:
        assert len(alt.split()) >= 4, f"{path.name} has an image with only “{alt}” as its alternative text [1.1.1]"


def diagrams(path: Path) -> list[str]:
    return re.findall(r"(?ms)^```mermaid$(.*?)^```", markdown(path))


@each_notebook
def test_every_diagram_has_a_title_and_a_description(path: Path) -> None:
    for diagram in diagrams(path):  # JupyterLab uses both texts for the image
        assert re.search(r"^ *accTitle: .+", diagram, flags=re.MULTILINE), f"{path.name}: a diagram without accTitle"
        description = re.search(r"^ *accDescr: (.+)", diagram, flags=re.MULTILINE)
        assert description is not None, f"{path.name}: a diagram without accDescr [1.1.1]"
        assert len(description[1].split()) >= 10


def test_notebooks_have_diagrams() -> None:
    assert sum(len(diagrams(path)) for path in NOTEBOOKS) >= 2


@each_notebook
def test_lines_of_diagrams_have_enough_contrast_in_both_themes(path: Path) -> None:
    for diagram in diagrams(path):
        color = re.search(r"linkStyle default stroke:(#\w+)", diagram)
        assert color is not None, f"{path.name}: a diagram without linkStyle keeps the line colour of its first theme"
        assert min(contrast(color[1], background) for background in BACKGROUNDS) >= GRAPHICS
