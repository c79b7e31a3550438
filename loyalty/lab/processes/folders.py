"""Create temporary folders, and replace folders that are read-only for this user."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from loyalty.lab.errors import LabError


def instead_of_home(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return environment variables that replace read-only folders of Jupyter and matplotlib with folders in `folder`.

    Print a notice if a folder is replaced.
    """
    home = Path(environment.get("HOME") or Path.home())
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share") / "jupyter"
    if sys.platform == "darwin":
        data = home / "Library" / "Jupyter"
    if sys.platform == "win32":
        data = Path(environment.get("APPDATA") or home) / "jupyter"
    usual = {
        "JUPYTER_CONFIG_DIR": home / ".jupyter",
        "JUPYTER_DATA_DIR": data,
        "JUPYTER_RUNTIME_DIR": Path(environment.get("JUPYTER_DATA_DIR") or data) / "runtime",
        "MPLCONFIGDIR": Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "matplotlib",
    }
    places = {name: Path(environment.get(name) or path) for name, path in usual.items()}
    moved = {name: folder / name.lower() for name, path in places.items() if not can_write(path)}
    if moved:
        print(
            f"Cannot write in {', '.join(str(places[name]) for name in moved)}; JupyterLab keeps its own files in "
            f"{folder} until it ends.",
            file=sys.stderr,
        )
    return {name: str(path) for name, path in moved.items()}


def can_write(path: Path) -> bool:
    """Return whether this user can write in the folder, or can create the folder if it is missing."""
    while not path.exists() and path != path.parent:
        path = path.parent
    try:
        with tempfile.TemporaryFile(dir=path):
            return True
    except OSError:
        return False


def temporary_folder(prefix: str) -> Path:
    """Return a new folder for temporary files; raise LabError if the folder cannot be created.

    Create the parent folder, too, if a clean-up has removed it.
    """
    place = Path(tempfile.gettempdir())
    try:
        place.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    except OSError as error:
        raise LabError(
            f"Cannot make a folder for temporary files in {place} ({error.strerror}); set TMPDIR to another folder"
        ) from None
