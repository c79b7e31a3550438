"""Bring the newest course into a clone in which notebooks hold a learner's answers: `make update`.

`git pull` refuses, or leaves conflicts inside a notebook's JSON, if the course changed the same notebook. Here the
learner's version is kept beside it, under a name that git ignores. The syntax is that of Python 3.6: see __main__.py.
"""

import datetime
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

HERE = Path(__file__).resolve().parent.parent


def git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run git in the course's folder, and keep what it writes."""
    return subprocess.run(
        ["git", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=str(HERE),
        encoding="utf-8",
        errors="replace",
    )


def words(*arguments: str) -> str:
    """Return what git writes; end with its last line if it fails."""
    done = git(*arguments)
    if done.returncode != 0:
        sys.exit(f"Cannot update the course; git {arguments[0]} says: {(done.stdout.strip() or '?').splitlines()[-1]}")
    return done.stdout


def names(*arguments: str) -> List[str]:
    """Return the files that a `git diff` names."""
    return [name for name in words("diff", "--name-only", "-z", *arguments).split("\0") if name]


def refuse_what_git_has_to_solve() -> None:
    """End with a sentence if this is no clone, a merge is under way, or the learner has commits."""
    if not shutil.which("git"):
        sys.exit("Cannot update the course: git is missing")
    if git("rev-parse", "--verify", "--quiet", "@{upstream}").returncode != 0:
        sys.exit(f"Cannot update the course: {HERE} is no clone whose branch follows another one (git branch -u)")
    if names("--diff-filter=U"):
        sys.exit("Cannot update the course: a merge is under way; `git merge --abort` ends it, then `make update`")
    words("fetch", "--quiet")
    if words("rev-list", "--count", "@{upstream}..HEAD").strip() != "0":
        sys.exit("Cannot update the course: this clone has commits of its own; `git pull --rebase` keeps them")


def kept_beside(name: str) -> Path:
    """Return a free name beside a notebook, for the learner's version."""
    notebook = HERE / name
    today = datetime.date.today().isoformat()
    versions = (notebook.with_name(f"{notebook.stem}.mine-{today}{more}.ipynb") for more in ["", *range(2, 1000)])
    return next(path for path in versions if not path.exists())


def main() -> None:
    """Keep the notebooks that both sides changed, and take the course's versions."""
    refuse_what_git_has_to_solve()
    theirs = set(names("HEAD", "@{upstream}"))
    if not theirs:
        print("The course is up to date.")
        return
    both = sorted(theirs.intersection(names("HEAD")))
    programs = [name for name in both if not name.endswith(".ipynb")]
    if programs:
        sys.exit(f"Cannot update the course: you have changed {', '.join(programs)}, too; commit that, or `git stash`")
    kept: Dict[str, Path] = {}
    for name in both:
        if (HERE / name).exists():
            kept[name] = kept_beside(name)
            shutil.copy2(str(HERE / name), str(kept[name]))
        words("checkout", "--quiet", "HEAD", "--", name)
    merged = git("merge", "--ff-only", "--quiet", "@{upstream}")
    if merged.returncode != 0:
        for name, path in kept.items():
            shutil.move(str(path), str(HERE / name))
        sys.exit(f"{merged.stdout}Cannot update the course: git refuses, for the reason above; nothing was changed")
    for name, path in kept.items():
        print(f"{name} is the course's newest version; yours is {path.relative_to(HERE)}")
    print("The course is updated.")


if __name__ == "__main__":
    main()
