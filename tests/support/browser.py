"""A learner in a real browser: playwright opens JupyterLab's pages and clicks on them."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Locator, Page, Playwright, expect

from tests.support.jupyterlab import TOKEN, Session

ARTEFACTS = Path(__file__).parents[2] / ".artefacts" / "browser"
"""The folder for the screenshots of the last run. It is not committed."""

REQUIRED = "LOYALTY_BROWSER"
"""Environment variable. With `required`, as in CI, a missing browser fails the tests; otherwise they are skipped."""

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = ("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync")
SECONDS = 1000
"""In milliseconds, the unit of playwright."""

LOADING, RUNNING = 60 * SECONDS, 240 * SECONDS
"""Timeouts for a page of JupyterLab and for the run of a notebook."""

CONNECTING = 5 * SECONDS
"""Time without effect after which a command to a notebook is repeated."""

expect.set_options(timeout=LOADING)


def find_browser(playwright: Playwright) -> str | None:
    """Return the path of Chromium, or None. Chromium is installed, or comes from `playwright install chromium`."""
    installed = next(filter(None, map(shutil.which, PROGRAMS)), None)
    own = playwright.chromium.executable_path
    return installed or (own if Path(own).exists() else None)


def flags() -> list[str]:
    """Return the arguments for Chromium.

    Chromium's sandbox does not work for root, and containers often run as root.
    """
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*QUIET, *(["--no-sandbox"] if as_root else [])]


@dataclass
class Learner:
    """A person with a browser page that shows JupyterLab."""

    page: Page
    session: Session

    async def open(self, path: str = "", token: str = TOKEN) -> None:
        """Go to a path below JupyterLab's base URL."""
        await self.page.goto(f"{self.session.url}{path}?token={token}")

    async def open_notebook(self, name: str) -> None:
        """Open a notebook in a new, empty workspace, and wait for its kernel."""
        await self.page.goto(f"{self.session.url}lab/tree/notebooks/{name}.ipynb?token={TOKEN}&reset")
        await self.ready()

    async def ready(self) -> None:
        """Wait until the current notebook is visible and the notebook's kernel is idle. Fail if a dialog is open."""
        await expect(self.notebook.locator(".jp-Cell").first).to_be_visible()
        await expect(self.page.locator("#jp-bottom-panel")).to_contain_text("| Idle")
        assert await self.page.locator(".jp-Dialog").count() == 0, "JupyterLab shows a dialog at its start"

    @property
    def notebook(self) -> Locator:
        """The current notebook."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    @property
    def code_cells(self) -> Locator:
        """The code cells of the current notebook."""
        return self.notebook.locator(".jp-CodeCell")

    @property
    def errors(self) -> Locator:
        """All errors and stderr outputs of the current notebook."""
        kinds = ("vnd.jupyter.error", "vnd.jupyter.stderr")
        return self.notebook.locator(", ".join(f"[data-mime-type='application/{kind}']" for kind in kinds))

    @property
    def web_ui(self) -> Locator:
        """The tab with the Web UI."""
        return self.page.locator(".jp-ServerProxy iframe")

    async def namespace_in_dock(self) -> str:
        """Return the namespace in the address of the docked Web UI."""
        dock = await self.web_ui.element_handle()
        frame = await dock.content_frame()
        assert frame is not None
        shown = re.search("/namespaces/([^/]+)/", frame.url)
        assert shown is not None, f"The dock shows {frame.url}"
        return shown[1]

    async def choose(self, menu: str, item: str) -> None:
        """Choose an item of the menu bar."""
        await self.page.get_by_role("menuitem", name=menu, exact=True).click()
        await self.page.get_by_role("menuitem", name=item, exact=True).click()

    async def run_all_once_connected(self) -> None:
        """Run all cells.

        The command is repeated, because JupyterLab ignores the command while the kernel is not connected.
        """
        prompt = self.code_cells.first.locator(".jp-InputArea-prompt")
        async with asyncio.timeout(LOADING / SECONDS):
            while await prompt.inner_text() == "[ ]:":
                await self.choose("Run", "Run All Cells")
                with suppress(AssertionError):
                    await expect(prompt).not_to_have_text("[ ]:", timeout=CONNECTING)

    async def all_cells_ran(self) -> None:
        """Wait until each code cell shows an execution count. Fail if a cell has an error."""
        prompts = self.code_cells.locator(".jp-InputArea-prompt")
        waiting = prompts.filter(has_not_text=re.compile(r"\[\d+\]"))
        await expect(prompts.first).to_be_visible()
        await expect(waiting).to_have_count(0, timeout=RUNNING)
        assert await self.errors.all_inner_texts() == []

    async def picture(self, name: str) -> None:
        """Save a screenshot for a human reader."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=ARTEFACTS / f"{name}.png")

    async def pictures(self, name: str) -> None:
        """Save screenshots of the whole current notebook, from top to bottom."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        scroller = self.notebook.locator(".jp-WindowedPanel-outer")
        height, step = await scroller.evaluate("it => [it.scrollHeight, it.clientHeight]")
        for number, top in enumerate(range(0, height, step)):
            await scroller.evaluate("(it, top) => { it.scrollTop = top }", top)
            await self.page.screenshot(path=ARTEFACTS / f"{name}-{number:02d}.png")
