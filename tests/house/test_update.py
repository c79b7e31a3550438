"""`make update`: the newest course in a clone whose notebooks hold a learner's answers."""

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
    """Commit files of the course, which learners then fetch."""
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
    """Return the notebooks by name, without the day in the name of a learner's version."""
    return {path.name.partition(".mine-")[0]: path.read_text() for path in clone.glob("notebooks/*.mine-*")}


def test_notebook_that_both_have_changed_is_kept_beside_the_new_one(course: Path, clone: Path) -> None:
    (clone / FIRST).write_text("my answers")
    (clone / SECOND).write_text("my other answers")
    publish(course, **{FIRST: "first, improved"})
    code, said = update(clone)
    assert code == 0, said
    assert (clone / FIRST).read_text() == "first, improved"
    assert notebooks(clone) == {"00_first": "my answers"}
    assert "yours is notebooks/00_first.mine-20" in said
    assert (clone / SECOND).read_text() == "my other answers", "The course has not changed it"
    assert git(clone, "status", "--porcelain").split() == ["M", SECOND], "git ignores the version that was kept"


def test_second_update_of_a_day_keeps_both_versions(course: Path, clone: Path) -> None:
    for number in (1, 2):
        (clone / FIRST).write_text(f"my answers {number}")
        git(clone, "add", "--all")  # staged or not, an answer is kept
        publish(course, **{FIRST: f"first, improved {number}"})
        assert update(clone)[0] == 0
    kept = sorted(path.read_text() for path in clone.glob("notebooks/*.mine-*"))
    assert kept == ["my answers 1", "my answers 2"]
    assert update(clone) == (0, "The course is up to date.\n")


def test_deleted_notebook_comes_back(course: Path, clone: Path) -> None:
    (clone / FIRST).unlink()
    publish(course, **{FIRST: "first, improved"})
    assert update(clone)[0] == 0
    assert (clone / FIRST).read_text() == "first, improved"


def test_nothing_is_lost_if_git_refuses(course: Path, clone: Path) -> None:
    (clone / FIRST).write_text("my answers")
    (clone / "notes.txt").write_text("mine")
    publish(course, **{FIRST: "first, improved", "notes.txt": "the course's"})
    code, said = update(clone)
    assert code != 0
    assert said.splitlines()[-1].endswith("git refuses, for the reason above; nothing was changed")
    assert (clone / FIRST).read_text() == "my answers"
    assert notebooks(clone) == {}


def test_changed_program_is_left_to_git(course: Path, clone: Path) -> None:
    (clone / "tiers.py").write_text("my program")
    publish(course, **{"tiers.py": "program, improved"})
    code, said = update(clone)
    assert code != 0
    assert "you have changed tiers.py, too; commit that, or `git stash`" in said
    assert (clone / "tiers.py").read_text() == "my program"


def test_own_commits_are_left_to_git(course: Path, clone: Path) -> None:
    publish(clone, **{FIRST: "my answers"})
    assert "this clone has commits of its own; `git pull --rebase` keeps them" in update(clone)[1]


def test_merge_under_way_is_left_to_git(course: Path, clone: Path) -> None:
    publish(clone, **{FIRST: "my answers"})
    publish(course, **{FIRST: "first, improved"})
    with pytest.raises(subprocess.CalledProcessError):
        git(clone, "pull", "--no-rebase")
    assert "a merge is under way; `git merge --abort` ends it" in update(clone)[1]


def test_folder_that_is_no_clone_is_refused(course: Path) -> None:
    assert "is no clone whose branch follows another one" in update(course)[1]


def test_unreachable_origin_is_named(course: Path, clone: Path) -> None:
    course.rename(course.with_name("gone"))
    code, said = update(clone)
    assert code != 0
    assert said.startswith("Cannot update the course; git fetch says: ")
