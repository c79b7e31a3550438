"""Give figures an alternative text in notebooks."""

from __future__ import annotations

from html import escape
from typing import Any

from matplotlib.figure import Figure


class DescribedFigure(Figure):
    """A figure with an alternative text from the labels of the Axes."""

    @property
    def alt(self) -> str:
        """The alternative text of the figure."""
        return " ".join(str(ax.get_label()) for ax in self.axes)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the image as PNG and as HTML; JupyterLab shows an alternative text only for HTML."""
        from IPython.core.pylabtools import print_figure

        png = print_figure(self, fmt="png", base64=True)  # type: ignore[no-untyped-call]
        html = f'<img alt="{escape(self.alt)}" src="data:image/png;base64,{png}">'
        return {"text/plain": self.alt, "text/html": html, "image/png": png}, {"image/png": {"alt": self.alt}}
