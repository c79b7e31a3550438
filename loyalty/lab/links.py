"""Links into the Web UI."""

from __future__ import annotations

from html import escape


class Link:
    """A link into the Web UI: clickable in a notebook, an address elsewhere."""

    def __init__(self, url: str, text: str) -> None:
        self.url, self.text = url, text

    def _repr_html_(self) -> str:
        return f'<a href="{escape(self.url)}" target="_blank" rel="noopener">{escape(self.text)}</a>'

    def __repr__(self) -> str:
        return f"{self.text}: {self.url}"
