"""Links that a notebook shows: into the Web UI, and to what the learner wrote."""

from __future__ import annotations

import os
from html import escape

SAVE_URL = "LOYALTY_LAB_SAVE_URL"
"""Where JupyterLab hands out all notebooks as one zip file, set for kernels by loyalty.lab.jupyter.session."""


WEB_UI = "loyalty-web-ui"
"""The name of the browser's frame in which links into the Web UI open: the one docked in JupyterLab, or else a tab.
The docked one takes this name in web_ui.js, and finds by it the links of the notebook in front."""


class Link:
    """A link: clickable in a notebook, an address elsewhere. It opens in the browser's frame of the name `frame`."""

    def __init__(self, url: str, text: str, frame: str = "_blank") -> None:
        self.url, self.text, self.frame = url, text, frame

    def _repr_html_(self) -> str:
        return f'<a href="{escape(self.url)}" target="{self.frame}">{escape(self.text)}</a>'

    def __repr__(self) -> str:
        return f"{self.text}: {self.url}"


def save_my_work() -> Link | None:
    """Return the link that downloads all notebooks; None where no JupyterLab of ours hands them out."""
    url = os.environ.get(SAVE_URL)
    return Link(url, "Save my work (all notebooks as saved, in one zip file)") if url else None
