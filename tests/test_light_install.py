"""A worker in production runs without JupyterLab, pandas, matplotlib and a database."""

from __future__ import annotations

import subprocess
import venv
from importlib.metadata import Distribution, PackagePath, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import loyalty
from loyalty.messages import TASK_QUEUE
from tests.support.helpers import Report, Shop, comes_to
from tests.support.worker_process import STARTING, worker

pytestmark = pytest.mark.slow

OF_THE_COURSE = ("jupyterlab", "pandas", "matplotlib", "sqlalchemy", "IPython")
LOOK = f"import importlib.util as u; print([one for one in {OF_THE_COURSE} if u.find_spec(one)])"


def needed_by(name: str, extras: frozenset[str] = frozenset()) -> dict[str, Distribution]:
    """Return a dict of the package and of all required packages: name, distribution."""
    found = {name: distribution(name)}
    for line in found[name].requires or []:
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""}):
            found |= needed_by(requirement.name, frozenset(requirement.extras))
    return found


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The command of a Python in a virtual environment with only the packages of `pip install loyalty`."""
    folder = tmp_path_factory.mktemp("light")
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "loyalty").symlink_to(Path(loyalty.__file__).parent)
    for top in {file.parts[0] for file in files_of("loyalty") if "loyalty" not in file.parts[0]} - {".."}:
        (packages / top).symlink_to(str(distribution("temporalio").locate_file(top)))
    return str(folder / "bin" / "python"), "-P"


def files_of(package: str) -> list[PackagePath]:
    return [file for one in needed_by(package).values() for file in one.files or []]


@pytest.fixture
def closed_shop(closed_shop: Shop) -> Shop:
    closed_shop.task_queue = TASK_QUEUE
    return closed_shop


async def test_worker_runs_without_the_packages_of_the_course(
    closed_shop: Shop, light: tuple[str, str], report: Report
) -> None:
    absent = subprocess.run([*light, "-c", LOOK], capture_output=True, text=True, check=True, cwd="/").stdout  # noqa: ASYNC221
    assert absent.strip() == "[]"
    async with worker(closed_shop, python=light):
        ada = await closed_shop.opens("ada")
        await ada.signal("addPoints", 100)
        await comes_to(ada, 100, timeout=STARTING)
    paths = [Path(str(file.locate())) for file in files_of("loyalty")]
    size = sum(path.stat().st_size for path in paths if path.is_file())
    report(f"packages of a worker without the course: {size / 1e6:.0f} MB")


async def test_coffee_worker_prints_the_name_of_the_missing_database_package(
    closed_shop: Shop, light: tuple[str, str]
) -> None:
    async with worker(closed_shop, "coffee-shop", python=light) as process:
        assert await process.ended() == 1
    assert "Cannot serve coffee-shop: sqlalchemy is not installed; `pip install 'loyalty[coffee]'`" in process.log
    assert "Traceback" not in process.log
