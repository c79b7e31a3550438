"""Show the summary of a lab as text or as an HTML table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from loyalty.lab.connect import Connection
from loyalty.lab.jupyter.links import Link, save_my_work
from loyalty.lab.processes.inbox import Inbox
from loyalty.lab.processes.worker import WorkerProcess


@dataclass(frozen=True)
class Summary:
    """The rows and links of a summary, each with a name."""

    rows: list[tuple[str, str]]
    links: list[tuple[str, Link]]

    def as_text(self) -> str:
        """Return the summary as text, with one line per row and one line per link."""
        links = [repr(link) for _, link in self.links]
        return "\n".join([f"{name + ':':17}{value}" for name, value in self.rows] + links)

    def as_html(self) -> str:
        """Return an HTML table with all rows and links."""
        rows = [(name, escape(value)) for name, value in self.rows]
        rows += [(name, link._repr_html_()) for name, link in self.links]
        cells = "".join(
            f"<tr><th scope='row' style='text-align:left'>{name}</th><td style='text-align:left'>{value}</td></tr>"
            for name, value in rows
        )
        return f"<table>{cells}</table>"


def summary_of(connection: Connection, workers: Iterable[WorkerProcess], inbox: Inbox, web_ui: Link | None) -> Summary:
    """Return the summary of a lab; `web_ui` is None if the address of the Web UI is unknown."""
    whose = "embedded in this lab" if connection.own_server else "shared by this JupyterLab session"
    if connection.where.ui_port is None:
        whose = "configured by the environment"
    rows = [
        ("Temporal server", f"{connection.where.address}, {whose}"),
        ("Namespace", connection.client.namespace),
        *(("Worker", repr(worker)) for worker in workers),
        ("Mail", repr(inbox)),
    ]
    saving = save_my_work()
    links = [*([("Web UI", web_ui)] if web_ui else []), *([("Your work", saving)] if saving else [])]
    return Summary(rows, links)
