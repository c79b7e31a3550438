"""Start JupyterLab with the course's settings, and open the first notebook.

Arguments after `python -m loyalty.lab` are passed to JupyterLab. `python -m loyalty.lab -- COMMAND` runs COMMAND with
JupyterLab's environment. Binder starts JupyterLab with this command.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from loyalty.lab.course.location import COURSE, FIRST_NOTEBOOK, has_notebooks
from loyalty.lab.processes.environment import jupyterlab_environment
from loyalty.lab.processes.folders import instead_of_home

CONFIGURATION = Path(__file__).parent / "jupyter" / "settings"


def command(arguments: Sequence[str], *, is_root: bool) -> list[str]:
    """Return JupyterLab's command line; `arguments` override the course's configuration."""
    as_root = ["--allow-root"] if is_root else []  # containers run as root; JupyterLab refuses that without the option
    return [sys.executable, "-P", "-m", "jupyterlab", *as_root, *arguments]


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return JupyterLab's environment variables; the course's configuration overrides the machine's configuration."""
    folder = Path(tempfile.mkdtemp(prefix="loyalty-session-"))
    given = jupyterlab_environment(inherited, CONFIGURATION, folder, time.time())
    return {**given, **instead_of_home(given, folder)}


def opening(folder: Path) -> str:
    """Return a sentence about the page that JupyterLab will open."""
    if has_notebooks(folder):
        return f"Opening JupyterLab at {FIRST_NOTEBOOK}; stop it with Ctrl-C ..."
    return (
        f"Opening JupyterLab in {folder}, where the course's notebooks are missing: the installed package has none. "
        f"Start JupyterLab in a copy of the course, which contains {FIRST_NOTEBOOK}. Stop it with Ctrl-C ..."
    )


def main() -> None:
    """Replace this process with JupyterLab; on Windows, run JupyterLab as a child process."""
    if sys.argv[1:2] == ["--"]:
        jupyter = sys.argv[2:]
    else:
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        jupyter = command(sys.argv[1:], is_root=is_root)
        print(opening(COURSE), flush=True)
    if sys.platform == "win32":
        from loyalty.lab.jupyter import windows

        windows.fetch_server()
        sys.exit(windows.run_as_child(jupyter, environment(os.environ)))
    os.execvpe(jupyter[0], jupyter, environment(os.environ))


if __name__ == "__main__":
    main()
