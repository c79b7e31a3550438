"""Get the newest course, and keep the notebooks that the learner has changed: `make update`.

If the course and the learner have changed the same notebook, `git pull` refuses, or writes conflicts into the JSON.
This program copies the learner's version to a name that git ignores. It has the syntax of Python 3.6: see __main__.py.
"""

import datetime
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

HERE = Path(__file__).resolve().parent.parent


def git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run git in the folder of the course, and capture its output."""
    return subprocess.run(
        ["git", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=str(HERE),
        encoding="utf-8",
        errors="replace",
    )


def words(*arguments: str) -> str:
    """Return the output of git; exit with the last line if git fails."""
    done = git(*arguments)
    if done.returncode != 0:
        last_line = (done.stdout.strip() or "?").splitlines()[-1]
        sys.exit(f"Cannot update the course; git {arguments[0]} failed: {last_line}")
    return done.stdout


def names(*arguments: str) -> List[str]:
    """Return the names of the files that `git diff` lists."""
    return [name for name in words("diff", "--name-only", "-z", *arguments).split("\0") if name]


def refuse_unusual_clone() -> None:
    """Exit with a sentence if the folder is no clone, if a merge is in progress, or if the learner has commits."""
    if not shutil.which("git"):
        sys.exit("Cannot update the course: git is missing")
    if git("rev-parse", "--verify", "--quiet", "@{upstream}").returncode != 0:
        sys.exit(f"Cannot update the course: {HERE} is no clone, or its branch has no upstream (git branch -u)")
    if names("--diff-filter=U"):
        sys.exit("Cannot update the course: a merge is in progress; run `git merge --abort`, then `make update`")
    words("fetch", "--quiet")
    if words("rev-list", "--count", "@{upstream}..HEAD").strip() != "0":
        sys.exit("Cannot update the course: you have commits in this clone; run `git pull --rebase`")


def path_for_learner(name: str) -> Path:
    """Return an unused path for the learner's version of a notebook."""
    notebook = HERE / name
    today = datetime.date.today().isoformat()
    versions = (notebook.with_name(f"{notebook.stem}.mine-{today}{more}.ipynb") for more in ["", *range(2, 1000)])
    return next(path for path in versions if not path.exists())


def main() -> None:
    """Copy the notebooks that both sides have changed, and update the course."""
    refuse_unusual_clone()
    theirs = set(names("HEAD", "@{upstream}"))
    if not theirs:
        print("The course is up to date.")
        return
    both = sorted(theirs.intersection(names("HEAD")))
    programs = [name for name in both if not name.endswith(".ipynb")]
    if programs:
        changed = ", ".join(programs)
        sys.exit(f"Cannot update the course: you have also changed {changed}; commit your changes or run `git stash`")
    kept: Dict[str, Path] = {}
    for name in both:
        if (HERE / name).exists():
            kept[name] = path_for_learner(name)
            shutil.copy2(str(HERE / name), str(kept[name]))
        words("checkout", "--quiet", "HEAD", "--", name)
    merged = git("merge", "--ff-only", "--quiet", "@{upstream}")
    if merged.returncode != 0:
        for name, path in kept.items():
            shutil.move(str(path), str(HERE / name))
        sys.exit(f"{merged.stdout}Cannot update the course: git refuses for the reason above; nothing was changed")
    for name, path in kept.items():
        print(f"{name} is now the newest version of the course; your version is {path.relative_to(HERE)}")
    print("The course is updated.")


if __name__ == "__main__":
    main()
