"""Links in a notebook. Links that open a page of the Web UI or download the learner's notebooks."""

from __future__ import annotations

import os
from html import escape

SAVE_URL = "LOYALTY_LAB_SAVE_URL"
"""Variable of kernels: the address from which JupyterLab downloads all notebooks in one zip file."""


WEB_UI = "loyalty-web-ui"
"""Links to the Web UI open in the browser's frame of this name: in the docked Web UI, otherwise in a new tab. web_ui.js
gives this name to the docked Web UI, and finds the notebook's links by this name."""


class Link:
    """A link that opens in the frame or tab with the name `frame`.

    Outside of a notebook, the link's address is printed.
    """

    def __init__(self, url: str, text: str, frame: str = "_blank") -> None:
        self.url, self.text, self.frame = url, text, frame

    def _repr_html_(self) -> str:
        return f'<a href="{escape(self.url)}" target="{self.frame}">{escape(self.text)}</a>'

    def __repr__(self) -> str:
        return f"{self.text}: {self.url}"


def save_my_work() -> Link | None:
    """Return a link that downloads all notebooks, or None outside of the course's JupyterLab."""
    url = os.environ.get(SAVE_URL)
    return Link(url, "Save my work (all notebooks as saved, in one zip file)") if url else None
