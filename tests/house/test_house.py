"""Rules for the imports, the lock and the dependencies of this repository."""

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
"""The modules of all programs. The modules of a new program are included."""

PLOTS = [path for path in LAB if "plots" in path.parts]
LOCK = HOUSE / "binder" / "requirements.txt"
MANIFEST = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]


def imported_by(path: Path) -> set[str]:
    """Return the dotted names of all modules that a file imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def name(path: Path) -> str:
    """Return the path of a module inside the package."""
    return str(path.relative_to(HOUSE / "loyalty").with_suffix(""))


@pytest.mark.parametrize("path", PROGRAMS, ids=name)
def test_the_loyalty_program_does_not_import_the_lab(path: Path) -> None:
    lab = {one for one in imported_by(path) if one.startswith("loyalty.lab")}
    assert not lab, f"{name(path)} is for production and must not import {lab}"


ACTOR = sorted((HOUSE / "loyalty" / "actor").glob("*.py"))


@pytest.mark.parametrize("path", ACTOR, ids=name)
def test_actor_package_does_not_import_a_program(path: Path) -> None:
    ours = {one for one in imported_by(path) if one.startswith("loyalty")}
    assert all(one.startswith("loyalty.actor") for one in ours), f"{name(path)} must not import {ours}"


PURE_NAMES = {"account", "emails", "menu", "messages", "parsing", "queries", "start_input", "tiers"}
PURE_NAMES |= {"email_message", "refusals", "run_length", "values"}
"""Modules with these names are pure in every program."""

PURE = [path for path in PROGRAMS if path.stem in PURE_NAMES]


@pytest.mark.parametrize("path", PURE, ids=name)
def test_module_with_pure_functions_does_not_import_temporalio(path: Path) -> None:
    assert not {one for one in imported_by(path) if one.startswith("temporalio")}


WORKFLOW_CODE = [
    path
    for path in [*PROGRAMS, *LAB]
    if "temporalio.workflow" in imported_by(path) and '__name__ == "__main__"' not in path.read_text()
]
"""Modules with workflow code, except modules that also start a worker."""


@pytest.mark.parametrize("path", WORKFLOW_CODE, ids=name)
def test_workflow_code_imports_no_clock_and_no_client(path: Path) -> None:
    forbidden = {"os", "time", "random", "datetime.datetime", "pandas", "temporalio.client", "loyalty.config"}
    forbidden |= {"sqlalchemy", "loyalty.coffee.store"}
    assert not imported_by(path) & forbidden


@pytest.mark.parametrize("path", [path for path in [*PROGRAMS, *LAB] if "@workflow.defn" in path.read_text()], ids=name)
def test_workflow_module_passes_our_modules_through_the_sandbox(path: Path) -> None:
    outside = [one for one in ast.parse(path.read_text()).body if isinstance(one, (ast.Import, ast.ImportFrom))]
    ours = [
        line for line in map(ast.unparse, outside) if re.search(r"\bloyalty\b.*\b(messages|workflow|actor)\b", line)
    ]
    assert not ours, f"{name(path)} imports other copies of the message classes in the sandbox: {ours}"


def test_rules_for_imports_apply_to_each_program() -> None:
    programs = {path.parent for path in PROGRAMS if path.stem == "workflow"}
    assert {folder.name for folder in programs} >= {"loyalty", "household", "coffee"}
    for folder in programs:
        assert {folder / "messages.py", folder / "parsing.py"} <= set(PURE)
        assert folder / "workflow.py" in WORKFLOW_CODE


@pytest.mark.parametrize("path", PLOTS, ids=name)
def test_plot_module_does_not_import_temporalio(path: Path) -> None:
    assert not {name for name in imported_by(path) if name.startswith("temporalio")}


def test_no_module_disables_the_workflow_sandbox() -> None:
    for path in [*PROGRAMS, *LAB]:
        assert "UnsandboxedWorkflowRunner" not in path.read_text(), f"{path.name} switches the workflow sandbox off"


def test_import_of_the_lab_does_not_load_slow_modules() -> None:
    slow_modules = ("pandas", "matplotlib", "IPython", "sqlalchemy", "temporalio.worker", "temporalio.testing")
    code = (
        "import sys; from loyalty.lab import Lab, history, plots, settled; import loyalty.workflow; "
        f"print([name for name in {slow_modules} if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_committed_files_contain_no_address_of_a_package_registry() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=HOUSE, capture_output=True, text=True, check=True).stdout
    registry = re.compile(r"https?://[^\s\"')]*(pypi\.org/simple|pythonhosted|/simple\b)", re.IGNORECASE)
    for name in listed.splitlines():
        path = HOUSE / name
        if path.suffix in {".py", ".txt", ".toml", ".md", ".ipynb", ".json", ".yml", ""} and path.is_file():
            assert not registry.search(path.read_text(errors="ignore")), f"{name} names a package registry"


# ---- the lock --------------------------------------------------------------------------------------------------


PYTHONS = ["3.11.0", "3.11.2", "3.11.3", "3.11.4", "3.11.9", "3.12.0", "3.13.0"]  # Debian 12 has 3.11.2


def applies(requirement: Requirement, python: str) -> bool:
    """Return whether a requirement applies to a version of Python on this system."""
    version = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    return requirement.marker is None or requirement.marker.evaluate(version)


def locked(python: str) -> dict[str, Version]:
    """Return the locked version of each package for a version of Python."""
    pins: dict[str, Version] = {}
    for requirement in map(Requirement, LOCK.read_text().splitlines()):
        (pin,) = requirement.specifier
        assert pin.operator == "==", f"{requirement} does not pin one version"
        if applies(requirement, python):
            assert requirement.name not in pins, f"two versions of {requirement.name} are locked for Python {python}"
            pins[requirement.name] = Version(pin.version)
    return pins


WANTED = [*MANIFEST["dependencies"], *(one for extra in MANIFEST["optional-dependencies"].values() for one in extra)]


@pytest.mark.parametrize("wanted", [one for one in WANTED if not one.startswith("loyalty[")])
def test_locked_version_satisfies_the_requirement_in_pyproject(wanted: str) -> None:
    requirement = Requirement(wanted)
    for python in PYTHONS:
        if applies(requirement, python):
            version = locked(python).get(requirement.name)
            assert version, f"{requirement.name} is not locked for Python {python}; run `make lock`"
            assert version in requirement.specifier, f"{wanted} is locked as {version} for Python {python}: `make lock`"


@pytest.mark.parametrize("python", PYTHONS)
def test_locked_packages_support_every_python_version_of_the_course(python: str) -> None:
    versions = {canonicalize_name(one.metadata["Name"]): one for one in distributions()}
    for name, version in locked(python).items():
        installed = versions.get(canonicalize_name(name))
        if installed and Version(installed.version) == version and installed.metadata["Requires-Python"]:
            accepted = SpecifierSet(installed.metadata["Requires-Python"])
            assert python in accepted, f"pip refuses {name} {version} on Python {python}; it requires {accepted}"


@pytest.mark.slow
def test_nbmake_needs_only_packages_that_the_course_installs() -> None:
    given = {Requirement(wanted).name for wanted in MANIFEST["optional-dependencies"]["course"]}
    assert {"pytest", "nbmake"} <= given
    extra = {Requirement(wanted).name for wanted in MANIFEST["optional-dependencies"]["test"]}
    without = [f"-pno:{name.removeprefix('pytest-')}" for name in extra if name.startswith("pytest-")]
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbmake", "--collect-only", "-q", *without, "notebooks"],
        cwd=HOUSE,
        env={**os.environ, "PYTEST_ADDOPTS": ""},  # the developer's own options would change the output
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "notebooks/00_start_here.ipynb" in found.stdout


@pytest.mark.slow
def test_jupyterlab_starts_without_importing_lark() -> None:
    look = "import sys, jupyterlab.labapp; print('lark' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n", "lark slows JupyterLab's start: see the constraints in [tool.uv]"


def test_lock_file_has_only_pinned_versions_and_markers() -> None:
    for line in LOCK.read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._\[\]-]+==[\w.!+-]+( ; .+)?", line), f"{line!r} is not name==version ; marker"


def test_every_dependency_has_a_comment_with_its_reason() -> None:
    rows = (HOUSE / "pyproject.toml").read_text().splitlines()
    for wanted in WANTED:
        assert any("#" in row for row in rows if f'"{wanted}"' in row), f"{wanted} has no comment with its reason"
