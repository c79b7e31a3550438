"""Tests of the dev container and of CI: their commands, ports and versions exist and agree.

The tests read the files. They do not build the container, and they do not run the workflows.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
import pytest
from nbclient import NotebookClient
from packaging.specifiers import SpecifierSet
from ruamel.yaml import YAML

from loyalty.lab.__main__ import command
from loyalty.lab.jupyter.codespaces import origin_pattern
from loyalty.lab.server.address import BASE_URL, SESSION_ADDRESS, SESSION_UI_PORT
from tests.support.jupyterlab import BASE, TOKEN, Session, jupyterlab

pytestmark = pytest.mark.slow

HOUSE = Path(__file__).parents[2]
CONTAINER = HOUSE / ".devcontainer" / "devcontainer.json"
WORKFLOWS = sorted((HOUSE / ".github" / "workflows").iterdir())
MANIFEST = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
PYTHONS = [f"3.{minor}" for minor in range(30) if f"3.{minor}" in SpecifierSet(MANIFEST["project"]["requires-python"])]


def makes(target: str, **environment: str) -> str:
    """Return the commands that make would run for a target; fail if the target does not exist."""
    ran = subprocess.run(
        ["make", "--always-make", "--dry-run", target],
        cwd=HOUSE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_makefile_removes_the_environment_variable_pythondontwritebytecode() -> None:
    ran = subprocess.run(
        ["make", "--eval=shown: ; @printenv", "shown"],
        cwd=HOUSE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "PATH=" in ran.stdout
    assert "PYTHONDONTWRITEBYTECODE" not in ran.stdout, "each worker and each kernel would compile all its imports"


# ---- the dev container: GitHub Codespaces, VS Code ------------------------------------------------------------


@pytest.fixture(scope="module")
def container() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(CONTAINER.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture
def arguments(container: dict[str, Any]) -> list[str]:
    """The arguments that `make lab` passes to JupyterLab in the container."""
    (line,) = [row for row in makes("lab", **container["containerEnv"]).splitlines() if "loyalty.lab" in row]
    return shlex.split(line.partition("-m loyalty.lab")[2])


def test_image_of_the_container_has_an_allowed_python_version(container: dict[str, Any]) -> None:
    image = re.fullmatch(r"mcr\.microsoft\.com/devcontainers/python:(3\.\d+)-\w+", container["image"])
    assert image is not None
    assert image[1] in PYTHONS


def test_container_uses_the_same_installation_command_as_make_lab(container: dict[str, Any]) -> None:
    tool, target = container["postCreateCommand"].split()
    assert tool == "make"
    assert "-I -X utf8 .install --python" in makes(target)
    assert makes(target) in makes("lab")
    assert container["waitFor"] == "postCreateCommand", "`make lab` must wait for the installation"


def test_vs_code_uses_the_python_in_the_virtual_environment(container: dict[str, Any]) -> None:
    interpreter = container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    path = interpreter.removeprefix("${containerWorkspaceFolder}/")
    assert f"{path} -m venv" not in makes("lab")
    assert f"{path} -I -X utf8 -m loyalty.lab" in makes("lab")


def test_container_forwards_the_port_that_jupyterlab_uses(
    container: dict[str, Any], arguments: list[str], tmp_path: Path
) -> None:
    shown = subprocess.run(
        [*command(arguments, is_root=True), "--show-config-json"],
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    asked = json.loads(shown)["ServerApp"]
    assert container["forwardPorts"] == [asked["port"]]
    assert list(container["portsAttributes"]) == [str(asked["port"])]
    assert asked["port_retries"] == 0, "JupyterLab must use no other port"
    assert asked["open_browser"] is False, "a container has no browser"


def test_vs_code_shows_no_notification_about_the_ports_of_kernels(container: dict[str, Any]) -> None:
    assert container["otherPortsAttributes"] == {"onAutoForward": "silent"}, (
        "each kernel of VS Code opens several ports"
    )


def test_container_does_not_change_the_token_of_jupyterlab(container: dict[str, Any], arguments: list[str]) -> None:
    assert not re.search("token|password|allow_origin|ip=", " ".join(arguments))
    assert not re.search("token|password|secret", json.dumps(container), re.IGNORECASE)


# ---- a Codespace's forwarded port -----------------------------------------------------------------------------

CODESPACE = {
    "CODESPACE_NAME": "loyal-ada-7x9",
    "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.dev",
}


@pytest.mark.parametrize(
    "origin",
    [
        "https://loyal-ada-7x9-8888.app.github.dev.evil.example",
        "https://evil-loyal-ada-7x9-8888.app.github.dev",
        "https://loyal-ada-7x9-8888.appxgithub.dev",
        "https://another-1-8888.app.github.dev",
        "http://loyal-ada-7x9-8888.app.github.dev",
    ],
)
def test_origin_pattern_of_a_codespace_rejects_a_foreign_origin(origin: str) -> None:
    pattern = origin_pattern(CODESPACE)
    assert re.match(pattern, "https://loyal-ada-7x9-8888.app.github.dev")
    assert not re.match(pattern, origin)


@pytest.mark.parametrize("missing", list(CODESPACE))
def test_origin_pattern_is_empty_outside_a_codespace(missing: str) -> None:
    assert origin_pattern({name: value for name, value in CODESPACE.items() if name != missing}) == ""


@pytest.fixture
async def in_a_codespace(tmp_path: Path) -> AsyncIterator[Session]:
    async with jupyterlab(tmp_path, **CODESPACE) as session:
        yield session


class Browser:
    """A page at `origin`. Requests from the page reach JupyterLab with the host localhost."""

    def __init__(self, session: Session, origin: str) -> None:
        self._port = urlsplit(session.origin).port
        self._headers = {"Host": "localhost:8888", "Origin": origin}

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request("GET", BASE + path, headers={**self._headers, **headers})
        answered = connection.getresponse()
        connection.close()
        return answered

    def log_in(self) -> None:
        """Open the link that `make lab` prints, and keep the cookie. A WebSocket of a page sends only this cookie."""
        cookies = self.get(f"lab?token={TOKEN}").headers.get_all("Set-Cookie") or []
        self._headers["Cookie"] = "; ".join(cookie.partition(";")[0] for cookie in cookies)

    def open_websocket(self) -> int:
        """Return the status: 101 if JupyterLab opens the WebSocket."""
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        return self.get("api/events/subscribe", **upgrade, **{"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}).status


async def test_jupyterlab_in_a_codespace_accepts_websockets_only_from_the_forwarded_address(
    in_a_codespace: Session,
) -> None:
    own = Browser(in_a_codespace, "https://loyal-ada-7x9-8888.app.github.dev")
    assert own.open_websocket() == 403, "JupyterLab must require the token"
    own.log_in()
    assert own.open_websocket() == 101
    foreign = Browser(in_a_codespace, "https://another-1-8888.app.github.dev")
    foreign.log_in()
    assert foreign.open_websocket() == 403


# ---- VS Code's notebook editor and nbclient: no JupyterLab, no proxy -------------------------------------------

NOTEBOOK = """
from loyalty.lab import Lab
lab = await Lab.start("without JupyterLab", worker=False)
print(lab.web_ui("customer-ada").url)
import urllib.request
print(urllib.request.urlopen(lab.web_ui("customer-ada").url).status)
await lab.stop()
"""


def test_kernel_without_jupyterlab_starts_its_own_temporal_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (BASE_URL, SESSION_ADDRESS, SESSION_UI_PORT):
        monkeypatch.delenv(name, raising=False)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    printed = "".join(output["text"] for output in notebook.cells[0].outputs if output["output_type"] == "stream")
    link, status = printed.split()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/namespaces/without-jupyterlab-\w+/workflows/customer-ada", link)
    assert status == "200"


# ---- CI -------------------------------------------------------------------------------------------------------

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return loaded


def steps(path: Path, key: str) -> list[Any]:
    """Return the values of `key` in all steps of all jobs."""
    return [step[key] for job in load(path)["jobs"].values() for step in job["steps"] if key in step]


def bash_steps(path: Path) -> list[str]:
    """Return the scripts that bash runs, without the scripts for Windows."""
    jobs = [job for job in load(path)["jobs"].values() if "windows" not in job["runs-on"]]
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def test_repository_has_two_ci_workflows() -> None:
    assert [path.name for path in WORKFLOWS] == ["test.yml", "weekly.yml"]


@each_workflow
@pytest.mark.parametrize("schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"])
def test_ci_workflow_matches_the_github_schema_and_has_timeouts(path: Path, schema: str) -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    ran = subprocess.run(check, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


@each_workflow
def test_ci_workflow_has_only_read_permission(path: Path) -> None:
    assert load(path)["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in load(path)["jobs"].values())
    assert "secrets." not in path.read_text(encoding="utf-8")
    assert "pull_request_target" not in load(path)["on"], "a branch from a fork would get our permissions"
    for checkout in [step for job in load(path)["jobs"].values() for step in job["steps"] if "checkout" in str(step)]:
        assert checkout["with"] == {"persist-credentials": False}


@each_workflow
def test_every_github_action_in_a_ci_workflow_has_a_version(path: Path) -> None:
    for action in steps(path, "uses"):
        assert re.fullmatch(r"actions/[\w-]+@(v\d+|[0-9a-f]{40})", action), (
            f"{action} is not an action of GitHub with a version"
        )


@each_workflow
def test_ci_script_contains_no_github_expression(path: Path) -> None:
    assert not [script for script in steps(path, "run") if "${{" in script]


@each_workflow
def test_ci_script_is_valid_bash_and_calls_existing_files(path: Path) -> None:
    for script in bash_steps(path):
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        for target in re.findall(r"^make (\S+)", script, flags=re.MULTILINE):
            makes(target)
        for called in re.findall(r"^(\.ci/\S+)", script, flags=re.MULTILINE):
            assert os.access(HOUSE / called, os.X_OK), f"{called} is not executable"
        for named in re.findall(r"binder/\S+", script):
            assert (HOUSE / named).is_file()


@each_workflow
def test_ci_workflow_runs_tests_and_uploads_screenshots(path: Path) -> None:
    assert ".ci/run" in steps(path, "run")
    (kept,) = [step for job in load(path)["jobs"].values() for step in job["steps"] if "upload" in step.get("uses", "")]
    assert kept["if"] == "always()"
    assert kept["with"]["path"] == ".artefacts/"
    assert kept["with"]["include-hidden-files"] is True, "without it, GitHub uploads no hidden folder"


def test_ci_tests_every_python_and_operating_system_in_the_readme() -> None:
    workflow = load(WORKFLOWS[0])
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == PYTHONS
    assert matrix["os"] == ["ubuntu-latest", "macos-latest"]
    assert f"Linux or macOS, Python {PYTHONS[0]} to {PYTHONS[-1]}" in (HOUSE / "README.md").read_text(encoding="utf-8")
    assert workflow["on"].keys() == {"push", "pull_request"}
    assert workflow["concurrency"]["cancel-in-progress"] is True


def test_weekly_ci_workflow_uses_the_newest_package_versions() -> None:
    workflow = load(WORKFLOWS[1])
    assert workflow["on"].keys() == {"schedule", "workflow_dispatch"}
    (when,) = workflow["on"]["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* \d", when["cron"])
    first, second, *_ = bash_steps(WORKFLOWS[1])
    assert first.startswith("make lock\n")
    assert "--upgrade" in makes("lock")
    assert second == ".ci/run"
    assert not [job for job in workflow["jobs"].values() if "continue-on-error" in job]
    assert [setup["python-version"] for setup in steps(WORKFLOWS[1], "with") if "python-version" in setup] == [
        PYTHONS[-1]
    ]


def test_windows_job_runs_the_windows_tests_and_the_readme_commands() -> None:
    install, run = [step["run"] for step in load(WORKFLOWS[0])["jobs"]["windows"]["steps"] if "run" in step]
    (line,) = re.findall(r"```powershell\n(.+)\n```", (HOUSE / "README.md").read_text(encoding="utf-8"))
    assert install.splitlines()[0] == line.rpartition("; ")[0]
    tested = run.partition("pytest ")[2].split()
    assert tested == sorted(path.relative_to(HOUSE).as_posix() for path in HOUSE.glob("tests/**/test_windows.py"))


def test_path_of_the_macos_runner_contains_chrome(tmp_path: Path) -> None:
    (script,) = [script for script in bash_steps(WORKFLOWS[0]) if "Chrome" in script]
    path = tmp_path / "added"
    environment = {**os.environ, "RUNNER_TEMP": str(tmp_path), "GITHUB_PATH": str(path)}
    subprocess.run(["bash", "-e", "-c", script], env=environment, check=True)
    (added,) = path.read_text(encoding="utf-8").splitlines()
    wrapper = Path(added) / "google-chrome"
    assert os.access(wrapper, os.X_OK)
    subprocess.run(["sh", "-n", str(wrapper)], check=True)
    assert wrapper.read_text(encoding="utf-8").endswith('Google Chrome" "$@"\n')
