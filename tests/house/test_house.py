"""The rules that keep the house easy to live in."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

HOUSE = Path(__file__).parents[2]
LAB = sorted((HOUSE / "loyalty" / "lab").rglob("*.py"))
PROGRAMS = sorted({*(HOUSE / "loyalty").rglob("*.py")} - {*LAB})
"""The customer and its sibling programs, a new one among them as soon as it has a folder."""

PLOTS = [path for path in LAB if "plots" in path.parts]
LOCK = HOUSE / "binder" / "requirements.txt"
MANIFEST = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]


def imported_by(path: Path) -> set[str]:
    """Return the dotted names of all modules that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def name(path: Path) -> str:
    """Return a module's path below the package."""
    return str(path.relative_to(HOUSE / "loyalty").with_suffix(""))


@pytest.mark.parametrize("path", PROGRAMS, ids=name)
def test_programs_never_import_the_lab(path: Path) -> None:
    lab = {one for one in imported_by(path) if one.startswith("loyalty.lab")}
    assert not lab, f"{name(path)} runs in production and imports {lab}"


ACTOR = sorted((HOUSE / "loyalty" / "actor").glob("*.py"))


@pytest.mark.parametrize("path", ACTOR, ids=name)
def test_actor_package_imports_no_program(path: Path) -> None:
    ours = {one for one in imported_by(path) if one.startswith("loyalty")}
    assert all(one.startswith("loyalty.actor") for one in ours), f"{name(path)} serves any actor and imports {ours}"


PURE_NAMES = {"account", "emails", "menu", "messages", "parsing", "queries", "start_input", "tiers"}
PURE_NAMES |= {"email_message", "refusals", "run_length", "values"}
"""Names that stand for pure modules in every program."""

PURE = [path for path in PROGRAMS if path.stem in PURE_NAMES]


@pytest.mark.parametrize("path", PURE, ids=name)
def test_pure_modules_do_not_import_temporalio(path: Path) -> None:
    assert not {one for one in imported_by(path) if one.startswith("temporalio")}


WORKFLOW_CODE = [
    path
    for path in [*PROGRAMS, *LAB]
    if "temporalio.workflow" in imported_by(path) and '__name__ == "__main__"' not in path.read_text()
]
"""Modules that run inside a workflow; a module that also starts a worker needs the environment."""


@pytest.mark.parametrize("path", WORKFLOW_CODE, ids=name)
def test_workflow_code_knows_no_environment_and_no_wall_clock(path: Path) -> None:
    forbidden = {"os", "time", "random", "datetime.datetime", "pandas", "temporalio.client", "loyalty.config"}
    forbidden |= {"sqlalchemy", "loyalty.coffee.store"}
    assert not imported_by(path) & forbidden


@pytest.mark.parametrize("path", [path for path in [*PROGRAMS, *LAB] if "@workflow.defn" in path.read_text()], ids=name)
def test_workflow_module_passes_our_modules_through_the_sandbox(path: Path) -> None:
    outside = [one for one in ast.parse(path.read_text()).body if isinstance(one, (ast.Import, ast.ImportFrom))]
    ours = [
        line for line in map(ast.unparse, outside) if re.search(r"\bloyalty\b.*\b(messages|workflow|actor)\b", line)
    ]
    assert not ours, f"{name(path)} gets its own copies of message classes, which match no others: {ours}"


def test_rules_apply_to_each_program() -> None:
    programs = {path.parent for path in PROGRAMS if path.stem == "workflow"}
    assert {folder.name for folder in programs} >= {"loyalty", "household", "coffee"}
    for folder in programs:
        assert {folder / "messages.py", folder / "parsing.py"} <= set(PURE)
        assert folder / "workflow.py" in WORKFLOW_CODE


@pytest.mark.parametrize("path", PLOTS, ids=name)
def test_plots_do_not_know_temporal(path: Path) -> None:
    assert not {name for name in imported_by(path) if name.startswith("temporalio")}


def test_the_sandbox_stays_on() -> None:
    for path in [*PROGRAMS, *LAB]:
        assert "UnsandboxedWorkflowRunner" not in path.read_text(), f"{path.name} switches the workflow sandbox off"


def test_importing_the_lab_loads_neither_what_pictures_and_tables_need_nor_a_worker() -> None:
    unneeded = ("pandas", "matplotlib", "IPython", "sqlalchemy", "temporalio.worker", "temporalio.testing")
    code = (
        "import sys; from loyalty.lab import Lab, history, plots, settled; import loyalty.workflow; "
        f"print([name for name in {unneeded} if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_nothing_that_is_committed_names_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=HOUSE, capture_output=True, text=True, check=True).stdout
    registry = re.compile(r"https?://[^\s\"')]*(pypi\.org/simple|pythonhosted|/simple\b)", re.IGNORECASE)
    for name in listed.splitlines():
        path = HOUSE / name
        if path.suffix in {".py", ".txt", ".toml", ".md", ".ipynb", ".json", ".yml", ""} and path.is_file():
            assert not registry.search(path.read_text(errors="ignore")), f"{name} names a package registry"


# ---- the lock --------------------------------------------------------------------------------------------------


PYTHONS = ["3.11.0", "3.11.2", "3.11.3", "3.11.4", "3.11.9", "3.12.0", "3.13.0"]  # Debian 12 has 3.11.2


def applies(requirement: Requirement, python: str) -> bool:
    """Return whether a requirement is for this version of Python, on this system."""
    version = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    return requirement.marker is None or requirement.marker.evaluate(version)


def locked(python: str) -> dict[str, Version]:
    """Return the pinned version of each package."""
    pins: dict[str, Version] = {}
    for requirement in map(Requirement, LOCK.read_text().splitlines()):
        (pin,) = requirement.specifier
        assert pin.operator == "==", f"{requirement} is no pin"
        if applies(requirement, python):
            assert requirement.name not in pins, f"Two versions of {requirement.name} are locked for Python {python}"
            pins[requirement.name] = Version(pin.version)
    return pins


WANTED = [*MANIFEST["dependencies"], *(one for extra in MANIFEST["optional-dependencies"].values() for one in extra)]


@pytest.mark.parametrize("wanted", [one for one in WANTED if not one.startswith("loyalty[")])
def test_the_lock_satisfies_the_manifest(wanted: str) -> None:
    requirement = Requirement(wanted)
    for python in PYTHONS:
        if applies(requirement, python):
            version = locked(python).get(requirement.name)
            assert version, f"{requirement.name} is not locked for Python {python}; `make lock` does it"
            assert version in requirement.specifier, f"{wanted} is locked at {version} for Python {python}; `make lock`"


@pytest.mark.parametrize("python", PYTHONS)
def test_locked_packages_that_are_installed_accept_every_python_of_the_course(python: str) -> None:
    versions = {canonicalize_name(one.metadata["Name"]): one for one in distributions()}
    for name, version in locked(python).items():
        installed = versions.get(canonicalize_name(name))
        if installed and Version(installed.version) == version and installed.metadata["Requires-Python"]:
            accepted = SpecifierSet(installed.metadata["Requires-Python"])
            assert python in accepted, f"pip refuses {name} {version} on Python {python}, which is not {accepted}"


@pytest.mark.slow
def test_nbmake_collects_the_notebooks_with_what_make_lab_installs() -> None:
    given = {Requirement(wanted).name for wanted in MANIFEST["optional-dependencies"]["course"]}
    assert {"pytest", "nbmake"} <= given
    extra = {Requirement(wanted).name for wanted in MANIFEST["optional-dependencies"]["test"]}
    without = [f"-pno:{name.removeprefix('pytest-')}" for name in extra if name.startswith("pytest-")]
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbmake", "--collect-only", "-q", *without, "notebooks"],
        cwd=HOUSE,
        env={**os.environ, "PYTEST_ADDOPTS": ""},  # the developer's own options change what is printed
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "notebooks/00_start_here.ipynb" in found.stdout


@pytest.mark.slow
def test_jupyterlab_starts_without_building_grammars() -> None:
    look = "import sys, jupyterlab.labapp; print('lark' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n", "It takes longer than all else that JupyterLab imports: see [tool.uv] constraints"


def test_the_lock_holds_pins_and_markers_and_no_address() -> None:
    for line in LOCK.read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._\[\]-]+==[\w.!+-]+( ; .+)?", line), f"{line!r} is not name==version ; marker"


def test_every_dependency_has_a_reason() -> None:
    rows = (HOUSE / "pyproject.toml").read_text().splitlines()
    for wanted in WANTED:
        assert any("#" in row for row in rows if f'"{wanted}"' in row), f"{wanted} has no reason beside it"
