"""Run the course in a real browser. JupyterLab has a token and a base URL, as on Binder.

The last run's screenshots are in `.artefacts/browser`.
"""

from __future__ import annotations

import os
import re
import shutil
import time
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import nbformat
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from loyalty.lab.jupyter.workspace import TITLE
from tests.conftest import MEASURED
from tests.support.browser import ARTEFACTS, LOADING, REQUIRED, RUNNING, Learner, find_browser, flags
from tests.support.jupyterlab import BASE, IMPORTS_BEFOREHAND, Session, answer, jupyterlab

pytestmark = pytest.mark.slow

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
FIRST = "00_start_here"
ENDLESS = "an_endless_wait"
ANOTHER = "another_lab"
SCREEN = {"width": 1400, "height": 900}
NARROWEST = 400
"""The notebook and the Web UI each need at least this width in pixels."""

WATCH_FOCUS = """() => {
  window.focusLooks = window.focusTaken = 0;
  setInterval(() => {
    window.focusLooks += 1;
    if (document.activeElement?.tagName === "IFRAME") window.focusTaken += 1;
  }, 20);
}"""


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    shutil.rmtree(ARTEFACTS, ignore_errors=True)
    async with async_playwright() as playwright:
        program = find_browser(playwright)
        if program is None:
            reason = "no Chromium on the PATH; install Chromium, for example with `playwright install chromium`"
            (pytest.fail if os.environ.get(REQUIRED) == "required" else pytest.skip)(reason)
        browser = await playwright.chromium.launch(executable_path=program, args=flags())
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
async def session(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Session]:
    """JupyterLab with a copy of the notebooks, because JupyterLab saves outputs in the notebooks."""
    folder = tmp_path_factory.mktemp("learner")
    shutil.copytree(NOTEBOOKS, folder / "notebooks", ignore=shutil.ignore_patterns(".*"))
    nbformat.write(endless_wait(), folder / "notebooks" / f"{ENDLESS}.ipynb")  # type: ignore[no-untyped-call]
    another = notebook_of(f"{START_LAB}\nlab", OPEN_ACCOUNT)
    nbformat.write(another, folder / "notebooks" / f"{ANOTHER}.ipynb")  # type: ignore[no-untyped-call]
    async with jupyterlab(folder, IMPORTS_BEFOREHAND, f"--ServerApp.root_dir={folder}") as session:
        yield session


@pytest.fixture
async def page(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    """A page in a new browser without cookies. At the end, a screenshot of the page is saved."""
    context = await browser.new_context(viewport=SCREEN)  # type: ignore[arg-type]
    context.set_default_timeout(LOADING)
    page = await context.new_page()
    yield page
    name = re.sub(r"[^\w]+", "-", request.node.name).strip("-")
    await page.screenshot(path=ARTEFACTS / f"{name}.png")
    for number, popup in enumerate(context.pages[1:], start=1):
        await popup.screenshot(path=ARTEFACTS / f"{name}-popup-{number}.png")
    await context.close()


@pytest.fixture
def learner(page: Page, session: Session) -> Learner:
    return Learner(page, session)


START_LAB = """from loyalty.lab import Lab
from loyalty.messages import TASK_QUEUE, Customer, CustomerInput
lab = await Lab.start()"""

OPEN_ACCOUNT = """ada = await lab.client.start_workflow("CustomerLoyaltyWorkflow", CustomerInput(Customer("ada")),
    id="customer-ada", task_queue=TASK_QUEUE)"""


def notebook_of(*cells: str) -> nbformat.NotebookNode:
    """Return a notebook with these code cells."""
    notebook: nbformat.NotebookNode = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in cells]  # type: ignore[no-untyped-call]
    return notebook


def endless_wait() -> nbformat.NotebookNode:
    """Return a notebook; its second cell waits forever for a customer's result."""
    return notebook_of(
        START_LAB,
        f"{OPEN_ACCOUNT}\nawait ada.result()",
        'status = await ada.query("getStatus")\nprint("still runs:", status["customer_id"])',
    )


async def test_workspace_shows_notebook_and_web_ui_side_by_side(learner: Learner) -> None:
    await learner.open()
    await learner.ready()
    await expect(learner.page.locator(".lm-TabBar-tab.lm-mod-current", has_text=FIRST)).to_be_visible()
    await expect(learner.web_ui.content_frame.get_by_role("heading", name="Workflows")).to_be_visible()
    left, right = await learner.notebook.bounding_box(), await learner.web_ui.bounding_box()
    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] <= right["x"], "the notebook is to the left of the Web UI"
    assert min(left["width"], right["width"]) > NARROWEST


async def test_links_in_the_notebook_open_in_the_docked_web_ui(learner: Learner) -> None:
    await learner.open()
    await learner.ready()
    await expect(learner.web_ui.content_frame.get_by_role("heading", name="Workflows")).to_be_visible()
    await learner.choose("Run", "Run All Cells")
    await learner.all_cells_ran()
    await expect(learner.web_ui.content_frame.get_by_text("customer-ada").first).to_be_visible()
    await learner.picture("customers_beside_the_notebook")
    await learner.notebook.get_by_role("link", name="customer-ada in the Temporal Web UI").click()
    await expect(learner.web_ui.content_frame.get_by_role("heading", name="customer-ada")).to_be_visible()
    assert len(learner.page.context.pages) == 1, "the link opens in the docked Web UI, not in a new tab"


async def test_learner_can_run_all_cells_with_the_keyboard(learner: Learner) -> None:
    await learner.open()
    await learner.page.evaluate(WATCH_FOCUS)
    await learner.ready()
    await expect(learner.web_ui.content_frame.get_by_role("heading", name="Workflows")).to_be_visible()
    cells = nbformat.read(NOTEBOOKS / f"{FIRST}.ipynb", as_version=4).cells  # type: ignore[no-untyped-call]
    for _ in cells[:-1]:  # Shift+Enter in the last cell would add a new cell
        await learner.page.keyboard.press("Shift+Enter")
    await learner.all_cells_ran()
    await expect(learner.web_ui.content_frame.get_by_text("customer-ada").first).to_be_visible()
    looks, taken = await learner.page.evaluate("[window.focusLooks, window.focusTaken]")
    assert looks > 100, "the focus was observed more than 100 times"
    assert taken == 0, "The Web UI's frame took the focus without a click"


async def test_run_menu_runs_all_cells_and_links_open_the_web_ui(learner: Learner) -> None:
    await learner.open_notebook(FIRST)
    await learner.choose("Run", "Run All Cells")
    await learner.all_cells_ran()
    await learner.pictures(FIRST)
    async with learner.page.expect_popup() as opened:
        await learner.notebook.get_by_role("link", name="customer-ada in the Temporal Web UI").click()
    web_ui = await opened.value
    await expect(web_ui.get_by_role("heading", name="customer-ada")).to_be_visible()
    await web_ui.get_by_text("Event History").first.click()
    for event in ("Workflow Execution Started", "Workflow Execution Signaled"):
        await expect(web_ui.get_by_text(event).first).to_be_visible()
    assert BASE in web_ui.url, "the Web UI has an address below JupyterLab's base URL"


async def test_restarted_kernel_uses_the_same_server(learner: Learner) -> None:
    await learner.open_notebook(FIRST)
    servers = []
    for item in ("Run All Cells", "Restart Kernel and Run All Cells…"):
        await learner.choose("Run", item)
        if "Restart" in item:
            await learner.page.get_by_role("button", name="Confirm Kernel Restart").click()
        await learner.all_cells_ran()
        servers.append(await learner.code_cells.first.locator("td").first.inner_text())
    assert servers[0] == servers[1]
    assert "shared by this JupyterLab session" in servers[0]


async def test_stop_button_ends_a_cell_but_not_the_lab(learner: Learner) -> None:
    await learner.open_notebook(ENDLESS)
    await learner.choose("Run", "Run All Cells")
    waiting = learner.code_cells.nth(1)
    await expect(learner.code_cells.nth(0).locator(".jp-InputArea-prompt")).to_have_text("[1]:")
    await expect(waiting.locator(".jp-InputArea-prompt")).to_have_text("[*]:")
    await learner.notebook.locator("[data-command='notebook:interrupt-kernel']").click()
    await expect(waiting.locator(".jp-InputArea-prompt")).to_have_text("[2]:", timeout=RUNNING)
    after = learner.code_cells.nth(2)
    await after.locator(".cm-content").click()
    await learner.page.keyboard.press("Shift+Enter")
    await expect(after.locator(".jp-OutputArea")).to_contain_text("still runs: ada")


async def test_download_link_downloads_all_saved_notebooks(learner: Learner, tmp_path: Path) -> None:
    await learner.open_notebook(FIRST)
    await learner.choose("Run", "Run All Cells")
    await learner.all_cells_ran()
    await learner.page.keyboard.press("Control+s")
    await expect(learner.page.locator(".jp-mod-dirty")).to_have_count(0)
    async with learner.page.expect_download() as saving:
        await learner.notebook.get_by_role("link", name=re.compile("Save my work")).click()
    await (await saving.value).save_as(tmp_path / "work.zip")
    with zipfile.ZipFile(tmp_path / "work.zip") as archive:
        names = set(archive.namelist())
        saved = nbformat.reads(archive.read(f"notebooks/{FIRST}.ipynb").decode(), as_version=4)  # type: ignore[no-untyped-call]
    assert {f"notebooks/{path.name}" for path in NOTEBOOKS.glob("*.ipynb")} <= names
    assert any(cell.get("outputs") for cell in saved.cells), "the download contains the outputs of the cells"


async def test_launcher_tile_opens_the_docked_web_ui(learner: Learner) -> None:
    await learner.page.goto(f"{learner.session.url}lab?token=a-token-of-this-test&reset")
    await learner.page.locator(".jp-LauncherCard", has_text=TITLE).click()
    await expect(learner.web_ui.content_frame.get_by_role("heading", name="Workflows")).to_be_visible()
    await expect(learner.page.locator(".lm-TabBar-tab", has_text=TITLE)).to_be_visible()


@pytest.mark.parametrize("path", ["lab", "lab/workspaces/loyalty", "directories/notebooks?archiveFormat=zip"])
async def test_wrong_token_is_refused(learner: Learner, path: str) -> None:
    await learner.page.goto(f"{learner.session.url}{path}{'&' if '?' in path else '?'}token=guessed")
    await expect(learner.page.locator("#password_input, input[type=password]").first).to_be_visible()
    assert await learner.page.locator(".jp-LabShell").count() == 0
    assert answer(learner.session.url + path, token="guessed")[0] == 403


BREAK_OFF = """
const text = Response.prototype.text;
let broken = false;
Response.prototype.text = function () {
    if (broken || !this.url.includes("workflow-count")) return text.apply(this);
    broken = true;
    return Promise.reject(new TypeError("the answer broke off"));
};
"""
"""The answer to a page's first count breaks off in the middle, as on a very busy machine."""


async def test_docked_web_ui_shows_the_namespace_of_the_visible_notebook(
    learner: Learner, record_property: Callable[[str, object], None]
) -> None:
    await learner.page.add_init_script(BREAK_OFF)
    await learner.open()
    await learner.ready()
    await learner.choose("Run", "Run All Cells")
    await learner.all_cells_ran()
    await expect(learner.web_ui.content_frame.get_by_text("customer-ada").first).to_be_visible()
    first = await learner.namespace_in_dock()
    await learner.choose("File", "Open from Path…")
    await learner.page.get_by_role("dialog").get_by_role("textbox").fill(f"notebooks/{ANOTHER}.ipynb")
    await learner.page.keyboard.press("Enter")
    await expect(learner.page.locator(".lm-TabBar-tab.lm-mod-current", has_text=ANOTHER)).to_be_visible()
    await learner.run_all_once_connected()
    await learner.all_cells_ran()
    began = time.monotonic()
    await expect(learner.web_ui).not_to_have_attribute("data-followed", re.compile(f"/{first}/"))
    await expect(learner.web_ui.content_frame.get_by_text("customer-ada").first).to_be_visible()
    record_property(MEASURED, f"dock: a customer appears {time.monotonic() - began:.1f} s after her cell, unclicked")
    assert await learner.namespace_in_dock() != first
    await learner.page.locator(".lm-TabBar-tab", has_text=FIRST).click()
    await expect(learner.web_ui).to_have_attribute("data-followed", re.compile(f"/{first}/"))
    await expect(learner.web_ui.content_frame.get_by_text("customer-ada").first).to_be_visible()
    assert await learner.namespace_in_dock() == first


async def test_a_click_moves_the_keyboard_focus_to_web_ui_or_notebook(learner: Learner) -> None:
    await learner.open(f"lab/workspaces/loyalty/tree/notebooks/{ANOTHER}.ipynb")
    await learner.ready()
    await learner.run_all_once_connected()
    await learner.all_cells_ran()
    dock, page, cell = learner.web_ui.content_frame, learner.page, learner.code_cells.nth(1)
    customer = dock.get_by_role("link", name="customer-ada").first
    await expect(customer).to_be_visible()
    await dock.get_by_test_id("toggle-manual-query").click()
    query = dock.get_by_placeholder("Enter a query")
    await query.click()
    await page.keyboard.type("`WorkflowId`='nobody'")
    await expect(query).to_have_value("`WorkflowId`='nobody'")
    await page.keyboard.press("Enter")
    await expect(customer).to_be_hidden()
    await query.fill("")
    await page.keyboard.press("Enter")
    await customer.click()
    await expect(dock.get_by_role("heading", name="customer-ada")).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(dock.get_by_role("button", name="Request Cancellation")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(dock.get_by_test_id("back-to-workflows")).to_be_focused()
    ran = await cell.locator(".jp-InputArea-prompt").inner_text()
    await cell.locator(".cm-content").click()
    await page.keyboard.press("Control+End")
    await page.keyboard.type("  # typed by the learner")
    await expect(cell).to_contain_text("# typed by the learner")
    await page.keyboard.press("Shift+Enter")
    await expect(cell.locator(".jp-InputArea-prompt")).not_to_have_text(ran)
