"""`make lab` creates .venv, repairs it, and installs the packages.

The real Makefile installs a course of two small modules.

This course contains its own build backend, so no test needs a package index.
"""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from loyalty.lab.processes.ports import ReservedPort

HOUSE = Path(__file__).parents[2]

MANIFEST = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "loyalty"
version = "0.1"
dependencies = []
"""

BACKEND = """
import tomllib, zipfile
from pathlib import Path

def build_editable(folder, settings=None, metadata=None):
    needs = tomllib.loads(Path("pyproject.toml").read_text())["project"]["dependencies"]
    files = {
        "loyalty.pth": str(Path.cwd()),
        "loyalty-0.1.dist-info/METADATA": "\\n".join(
            ["Metadata-Version: 2.1", "Name: loyalty", "Version: 0.1", "Provides-Extra: course", "Provides-Extra: test"]
            + [f"Requires-Dist: {need}" for need in needs] + [""]
        ),
        "loyalty-0.1.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    with zipfile.ZipFile(Path(folder) / "loyalty-0.1-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
        record = "loyalty-0.1.dist-info/RECORD"
        wheel.writestr(record, "".join(f"{name},,\\n" for name in [*files, record]))
    return "loyalty-0.1-py3-none-any.whl"
"""

pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="Windows has no make"), pytest.mark.slow]


class Course:
    """A folder with a course. In this course, `make lab` prints the path of the folder."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self.folder, self.tools = folder, tools
        self.environment: dict[str, str] = {}

    @property
    def venv(self) -> Path:
        return self.folder / ".venv"

    @property
    def packages(self) -> Path:
        (found,) = self.venv.glob("lib/python*/site-packages")
        return found

    def make(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Return the exit code and the output of make."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "PIP_", "UV_"))}
        inherited.pop("PYTHON", None)
        path = f"{self.tools}{os.pathsep}{os.environ['PATH']}"
        ran = subprocess.run(
            ["make", "lab", *arguments],
            cwd=self.folder,
            env={**inherited, "PATH": path, "PIP_NO_INDEX": "1", "PIP_RETRIES": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=120,
        )
        return ran.returncode, ran.stdout

    def opens(self, *arguments: str, **environment: str) -> str:
        """Return the output of `make lab`. Fail if `make lab` does not open this course."""
        code, written = self.make(*arguments, **environment)
        assert code == 0, written
        assert written.splitlines()[-1] == f"opened {self.folder}", written
        return written

    def wants(self, *needs: str) -> None:
        """Change the dependencies of this course."""
        (self.folder / "pyproject.toml").write_text(MANIFEST.replace("[]\n", f"{list(needs)}\n"))


def write_course(folder: Path) -> None:
    (folder / "loyalty" / "lab").mkdir(parents=True)
    (folder / "loyalty" / "__init__.py").touch()
    (folder / "loyalty" / "lab" / "__main__.py").write_text(
        "from pathlib import Path\nprint('opened', Path(__file__).parents[2], flush=True)\n"
    )
    (folder / "binder").mkdir()
    (folder / "binder" / "requirements.txt").touch()
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(MANIFEST)
    shutil.copy(HOUSE / "Makefile", folder)
    shutil.copytree(HOUSE / ".install", folder / ".install", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a link `python3` to this Python."""
    folder = tmp_path_factory.mktemp("tools")
    (folder / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, tools: Path) -> Course:
    """A course with an environment that `make lab` created.

    Each test breaks the environment, and `make lab` repairs it.
    """
    folder = tmp_path_factory.mktemp("home") / "my course \N{LATIN SMALL LETTER U WITH DIAERESIS}"
    write_course(folder)
    course = Course(folder.resolve(), tools)
    written = course.opens()
    assert "Making the environment in .venv, once ..." in written
    assert course.opens() == f"opened {course.folder}\n", "a second call must install nothing"
    return course


def remove_interpreter(course: Course) -> None:
    python = course.venv / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/bin/python3.11")


def replace_interpreter(course: Course) -> None:
    # Simulates a new minor version of the machine's python3, which looks for packages in another folder.
    (course.venv / "lib" / "python3.10").mkdir()
    course.packages.rename(course.venv / "lib" / "python3.10" / "site-packages")


def leave_half_a_venv(course: Course) -> None:
    # On a Debian without python3-venv, `python -m venv` leaves such an environment.
    shutil.rmtree(course.venv)
    subprocess.run([course.tools / "python3", "-m", "venv", "--without-pip", course.venv], check=True)


def leave_only_packages(course: Course) -> None:
    shutil.rmtree(course.venv / "bin")
    (course.venv / "pyvenv.cfg").unlink()


def link_to_a_broken_environment(course: Course) -> None:
    elsewhere = course.folder.with_name("other disk")
    course.venv.rename(elsewhere)
    course.venv.symlink_to(elsewhere)
    shutil.rmtree(elsewhere / "lib")


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (remove_interpreter, "its Python is missing"),
        (replace_interpreter, "it has no pip"),
        (leave_half_a_venv, "it has no pip"),
        (leave_only_packages, "its Python is missing"),
        (link_to_a_broken_environment, "it has no pip"),
    ],
)
def test_broken_environment_is_replaced(installed: Course, break_it: Callable[[Course], None], reason: str) -> None:
    break_it(installed)
    assert f"The environment in .venv cannot be used: {reason}" in installed.opens()
    assert installed.opens() == f"opened {installed.folder}\n"


def test_interrupted_installation_is_started_again(installed: Course, tools: Path) -> None:
    installed.wants()
    (installed.venv / ".lab").unlink()
    # An installer that never ends simulates a slow installer.
    (installed.packages / "uv.py").write_text(f"open({str(tools / 'began')!r}, 'w').close()\nwhile True: pass\n")
    began = tools / "began"
    running = subprocess.Popen(
        [installed.venv / "bin" / "python", "-I", ".install", ".lab"],
        cwd=installed.folder,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    while not began.exists():
        assert running.poll() is None, "the installer ended too early"
    os.killpg(running.pid, signal.SIGKILL)
    running.wait(10)
    assert "cannot be used: an installation was interrupted" in installed.opens()
    assert not (installed.packages / "uv.py").exists(), "half an installation must not be kept"


@pytest.mark.parametrize("copied", [True, False], ids=["copied", "moved"])
def test_copied_or_moved_course_runs_its_own_code(installed: Course, tmp_path: Path, copied: bool) -> None:
    place = tmp_path / "elsewhere"
    shutil.copytree(installed.folder, place, symlinks=True)
    if not copied:
        installed.folder.rename(tmp_path / "gone")
    other = Course(place.resolve(), installed.tools)
    try:
        assert "cannot be used: it " in other.opens()
    finally:
        if not copied:
            (tmp_path / "gone").rename(installed.folder)
    assert installed.opens() == f"opened {installed.folder}\n", "the first course must keep its environment"


def test_environment_can_be_created_again_with_another_python(installed: Course) -> None:
    def base(python: Path | str) -> str:
        found = subprocess.run([python, "-c", "import sys; print(sys.base_prefix)"], capture_output=True, text=True)
        return found.stdout.strip()

    names = ["/usr/bin/python3", *(f"python3.{minor}" for minor in (11, 12, 13))]
    names += [str(path) for path in Path(sys.base_prefix).parent.glob("3.1[123]*/bin/python3")]
    here = base(installed.tools / "python3")
    other = next((name for name in filter(shutil.which, names) if base(name) not in ("", here)), None)
    if other is None or "cannot run" in installed.make(f"PYTHON={other}")[1]:
        pytest.skip("This machine has only one Python for the course")
    assert base(installed.venv / "bin" / "python") == base(other)
    assert installed.opens() == f"opened {installed.folder}\n", "without PYTHON=, the environment's Python must be kept"
    assert "PYTHON= names" in installed.opens(f"PYTHON={installed.tools / 'python3'}")


@pytest.mark.parametrize("name", ["python3.99", "/dev/null", "/bin/false"])
def test_python_that_cannot_run_is_refused(installed: Course, name: str) -> None:
    code, written = installed.make(f"PYTHON={name}")
    assert code != 0
    assert f"Cannot run {name}; name a Python from 3.11 to 3.13" in written
    assert installed.opens(), "the environment must be unchanged"


def test_python_that_is_too_old_is_refused(installed: Course) -> None:
    olds = [*Path(sys.base_prefix).parent.glob("3.[6-9].*/bin/python3"), *map(Path, ["/usr/bin/python3"])]
    old = next((path for path in olds if path.exists() and "(3, 1" not in version(path)), None)
    if old is None:
        pytest.skip("This machine has no Python that is too old")
    code, written = installed.make(f"PYTHON={old}")
    assert code != 0
    assert "cannot run this course; expected 3.11 to 3.13" in written
    assert installed.opens(), "the environment must be unchanged"
    ran = subprocess.run([old, "-I", ".install", "--python", old, "--asked", ".lab"], cwd=HOUSE, capture_output=True)
    assert b"cannot run this course; expected 3.11 to 3.13" in ran.stderr, "the old Python must refuse itself"


def version(python: Path) -> str:
    return subprocess.run(
        [python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True
    ).stdout


def test_error_about_a_missing_venv_module_mentions_the_debian_package(installed: Course, tmp_path: Path) -> None:
    halting = tmp_path / "python3"
    halting.write_text(
        f"""#!/bin/sh
case "$*" in *"-m venv"*) exec {sys.executable} -c 'import sys; sys.exit("ensurepip is not available")' ;; esac
exec {installed.tools / "python3"} "$@"
"""
    )
    halting.chmod(0o755)
    shutil.rmtree(installed.venv)
    probe = (installed.folder / ".install" / "virtual.py").read_text()
    replaced = probe.replace('getattr(sys, "_base_executable", sys.executable)', repr(str(halting)))
    (installed.folder / ".install" / "virtual.py").write_text(replaced)
    code, written = installed.make(f"PYTHON={halting}")
    (installed.folder / ".install" / "virtual.py").write_text(probe)
    assert code != 0
    assert "ensurepip is not available" in written
    assert f"sudo apt install python3.{sys.version_info.minor}-venv" in written
    assert installed.opens()


# ---- uv, pip and the network --------------------------------------------------------------------------------------


def test_pip_installs_the_packages_if_uv_fails(installed: Course) -> None:
    (installed.packages / "uv.py").write_text(
        "import sys\nif '--version' not in sys.argv: sys.exit('error: Failed to initialize cache')\n"
    )
    (installed.venv / ".lab").unlink()
    foreign = {
        "HOME": "/dev/null/home",
        "LC_ALL": "C",
        "PIP_PREFIX": "/nowhere",
        "PIP_TARGET": "/nowhere/packages",
        "PIP_USER": "1",
        "PYTHONHOME": "/nowhere",
        "PYTHONPATH": "/nowhere",
    }
    assert "uv cannot install here; installing with pip" in installed.opens(**foreign)
    assert installed.opens() == f"opened {installed.folder}\n"


def test_last_line_of_the_output_reports_an_unreachable_proxy(installed: Course) -> None:
    installed.wants("something")
    port = ReservedPort()
    proxy = f"http://eve:secret@127.0.0.1:{port.number}"
    (installed.packages / "uv.py").unlink(missing_ok=True)
    code, written = installed.make(PIP_NO_INDEX="0", PIP_INDEX_URL="https://index.invalid/all", https_proxy=proxy)
    installed.wants()
    assert code != 0
    sentence, ended = written.splitlines()[-2:]
    assert sentence.endswith(
        f"The proxy http://***@127.0.0.1:{port.number} in https_proxy cannot be reached: correct or unset this variable"
    )
    assert ended.startswith("make: ***")
    assert "secret" not in sentence
    assert installed.opens(), "the environment must be unchanged"


def test_last_line_of_the_output_reports_an_unreachable_package_index(installed: Course) -> None:
    installed.wants("something")
    port = ReservedPort()
    code, written = installed.make(PIP_NO_INDEX="0", PIP_INDEX_URL=f"http://127.0.0.1:{port.number}/all")
    installed.wants()
    assert code != 0
    assert "The package index cannot be reached: is this machine online?" in written.splitlines()[-2]
    assert installed.opens()


@pytest.fixture
def untrusted_index(tmp_path: Path) -> Iterator[str]:
    """The address of a package index with a certificate of an unknown authority."""
    if shutil.which("openssl") is None:
        pytest.skip("This machine has no openssl to make a certificate")
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject, *files]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"https://localhost:{server.server_address[1]}/all"
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_last_line_of_the_output_reports_an_untrusted_certificate(installed: Course, untrusted_index: str) -> None:
    installed.wants("something")
    code, written = installed.make(PIP_NO_INDEX="0", PIP_INDEX_URL=untrusted_index)
    installed.wants()
    assert code != 0
    assert "This machine does not trust the certificate of the package index" in written.splitlines()[-2]
    assert "PIP_CERT=/path/to/ca.pem" in written.splitlines()[-2]
    assert installed.opens()
