"""A figure that says in words what it shows, to those who cannot see it."""

from __future__ import annotations

from html import escape
from typing import Any

from matplotlib.figure import Figure


class DescribedFigure(Figure):
    """A figure that a notebook shows with alternative text: what its Axes' labels say (`drawing.finish` sets them)."""

    @property
    def alt(self) -> str:
        """What there is to see, in words."""
        return " ".join(str(ax.get_label()) for ax in self.axes)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        """Offer the image as HTML too, which JupyterLab prefers: of a PNG by itself it ignores the alternative text."""
        from IPython.core.pylabtools import print_figure

        png = print_figure(self, fmt="png", base64=True)  # type: ignore[no-untyped-call]
        html = f'<img alt="{escape(self.alt)}" src="data:image/png;base64,{png}">'
        return {"text/plain": self.alt, "text/html": html, "image/png": png}, {"image/png": {"alt": self.alt}}
