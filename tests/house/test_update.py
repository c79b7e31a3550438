"""`make update` gets the newest course, and keeps the notebooks that the learner has changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
FIRST, SECOND = "notebooks/00_first.ipynb", "notebooks/01_second.ipynb"


def git(folder: Path, *arguments: str) -> str:
    who = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@b"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = {**kept, **who, "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


def publish(course: Path, **files: str) -> None:
    """Write files of the course and commit them."""
    for name, text in files.items():
        (course / name).write_text(text)
    git(course, "add", "--all")
    git(course, "commit", "--quiet", "--message", "Change the course")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    folder = tmp_path / "course"
    (folder / "notebooks").mkdir(parents=True)
    (folder / ".install").mkdir()
    shutil.copy(HOUSE / ".install" / "update.py", folder / ".install")
    shutil.copy(HOUSE / ".gitignore", folder)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    publish(folder, **{FIRST: "first", SECOND: "second", "tiers.py": "program"})
    return folder


@pytest.fixture
def clone(course: Path, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "--quiet", str(course), "clone")
    return tmp_path / "clone"


def update(clone: Path) -> tuple[int, str]:
    command = [sys.executable, "-I", ".install/update.py"]
    ran = subprocess.run(command, cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return ran.returncode, ran.stdout


def notebooks(clone: Path) -> dict[str, str]:
    """Return a dict: the name of each kept notebook without the day, and the notebook's text."""
    return {path.name.partition(".mine-")[0]: path.read_text() for path in clone.glob("notebooks/*.mine-*")}


def test_changed_notebook_is_kept_under_another_name_after_an_update(course: Path, clone: Path) -> None:
    (clone / FIRST).write_text("my answers")
    (clone / SECOND).write_text("my other answers")
    publish(course, **{FIRST: "first, improved"})
    code, said = update(clone)
    assert code == 0, said
    assert (clone / FIRST).read_text() == "first, improved"
    assert notebooks(clone) == {"00_first": "my answers"}
    assert "your version is notebooks/00_first.mine-20" in said
    assert (clone / SECOND).read_text() == "my other answers", "the course has not changed this notebook"
    assert git(clone, "status", "--porcelain").split() == ["M", SECOND], "git must ignore the kept version"


def test_second_update_on_the_same_day_keeps_both_changed_notebooks(course: Path, clone: Path) -> None:
    for number in (1, 2):
        (clone / FIRST).write_text(f"my answers {number}")
        git(clone, "add", "--all")  # a staged answer is kept, too
        publish(course, **{FIRST: f"first, improved {number}"})
        assert update(clone)[0] == 0
    kept = sorted(path.read_text() for path in clone.glob("notebooks/*.mine-*"))
    assert kept == ["my answers 1", "my answers 2"]
    assert update(clone) == (0, "The course is up to date.\n")


def test_update_restores_a_deleted_notebook(course: Path, clone: Path) -> None:
    (clone / FIRST).unlink()
    publish(course, **{FIRST: "first, improved"})
    assert update(clone)[0] == 0
    assert (clone / FIRST).read_text() == "first, improved"


def test_update_changes_no_file_if_git_refuses_the_update(course: Path, clone: Path) -> None:
    (clone / FIRST).write_text("my answers")
    (clone / "notes.txt").write_text("mine")
    publish(course, **{FIRST: "first, improved", "notes.txt": "the course's"})
    code, said = update(clone)
    assert code != 0
    assert said.splitlines()[-1].endswith("git refuses for the reason above; nothing was changed")
    assert (clone / FIRST).read_text() == "my answers"
    assert notebooks(clone) == {}


def test_update_refuses_to_overwrite_a_changed_program(course: Path, clone: Path) -> None:
    (clone / "tiers.py").write_text("my program")
    publish(course, **{"tiers.py": "program, improved"})
    code, said = update(clone)
    assert code != 0
    assert "you have also changed tiers.py; commit your changes or run `git stash`" in said
    assert (clone / "tiers.py").read_text() == "my program"


def test_update_refuses_a_clone_with_commits_of_the_learner(course: Path, clone: Path) -> None:
    publish(clone, **{FIRST: "my answers"})
    assert "you have commits in this clone; run `git pull --rebase`" in update(clone)[1]


def test_update_refuses_to_run_during_a_merge(course: Path, clone: Path) -> None:
    publish(clone, **{FIRST: "my answers"})
    publish(course, **{FIRST: "first, improved"})
    with pytest.raises(subprocess.CalledProcessError):
        git(clone, "pull", "--no-rebase")
    assert "a merge is in progress; run `git merge --abort`" in update(clone)[1]


def test_update_refuses_a_folder_without_git(course: Path) -> None:
    assert "is no clone, or its branch has no upstream" in update(course)[1]


def test_update_prints_an_error_if_the_origin_is_unreachable(course: Path, clone: Path) -> None:
    course.rename(course.with_name("gone"))
    code, said = update(clone)
    assert code != 0
    assert said.startswith("Cannot update the course; git fetch failed: ")
