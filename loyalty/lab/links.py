"""Links that a notebook shows: into the Web UI, and to what the learner wrote."""

from __future__ import annotations

import os
from html import escape

SAVE_URL = "LOYALTY_LAB_SAVE_URL"
"""Where JupyterLab hands out all notebooks as one zip file, set for kernels by loyalty.lab.session."""


class Link:
    """A link: clickable in a notebook, an address elsewhere."""

    def __init__(self, url: str, text: str) -> None:
        self.url, self.text = url, text

    def _repr_html_(self) -> str:
        return f'<a href="{escape(self.url)}" target="_blank" rel="noopener">{escape(self.text)}</a>'

    def __repr__(self) -> str:
        return f"{self.text}: {self.url}"


def save_my_work() -> Link | None:
    """Return the link that downloads all notebooks; None where no JupyterLab of ours hands them out."""
    url = os.environ.get(SAVE_URL)
    return Link(url, "Save my work (all notebooks as saved, in one zip file)") if url else None
