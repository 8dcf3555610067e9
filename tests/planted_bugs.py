"""Plants bugs in a copy of the function, one by one, and shows that arbitrary lives (unit/test_lives.py) catch each.

Run it with `make planted-bugs`. It ends non-zero when a bug survives, or when the code in which it is planted has changed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent


class Bug(NamedTuple):
    """A change of one place of one module."""

    what: str
    module: str
    sound: str
    planted: str


BUGS = (
    Bug(
        "a stack rollback is passed through to CloudHSM",
        "reconcile",
        'if request.settings.on_rollback == "Keep" or cluster.hsm_type != request.declared_before:',
        "if cluster.hsm_type != request.declared_before:",
    ),
    Bug("drift becomes a migration", "reconcile", "if not request.changes_type:", "if False:"),
    Bug(
        "success though an HSM is of another type",
        "cluster",
        'return self.hsm_type == hsm_type and all(hsm.hsm_type in ("", hsm_type) for hsm in self.live_hsms)',
        "return self.hsm_type == hsm_type",
    ),
    Bug(
        "success before the cluster is ACTIVE",
        "reconcile",
        "settled = cluster.state == states.ACTIVE",
        "settled = True",
    ),
    Bug(
        "a revert is taken for success",
        "reconcile",
        "        return _went_back(request, cluster, progress, now)",
        '        return Done("reverted")',
    ),
    Bug(
        "a stale read is taken for a revert",
        "reconcile",
        "if seen_at is not None and now - seen_at >= STALE_SECONDS / 2:",
        "if True:",
    ),
    Bug(
        "the type comes before the retention",
        "reconcile",
        "    if not _retention_as_declared(request, cluster):\n        return _converge_retention(request, cluster, progress, now)\n"
        "    if isinstance(change, ModifyHsmType):\n        return change\n",
        "    if isinstance(change, ModifyHsmType):\n        return change\n"
        "    if not _retention_as_declared(request, cluster):\n        return _converge_retention(request, cluster, progress, now)\n",
    ),
    Bug(
        "a migration that cannot fit is begun",
        "reconcile",
        "if cluster.yet_to_become(modify.hsm_type) * SECONDS_PER_HSM > left:",
        "if False:",
    ),
    Bug(
        "a reverted migration is asked for again",
        "reconcile",
        "if progress.unsure and not _began(cluster, asked_at):",
        "if True:",
    ),
    Bug(
        "the deadline is forgotten",
        "reconcile",
        "return now + LONGEST_LOOK_INTERVAL > deadline_of(request, progress)",
        "return False",
    ),
    Bug(
        "the stack is made to wait as long as the wait condition",
        "reconcile",
        "return request.handle_deadline if progress.answered else request.deadline",
        "return request.handle_deadline",
    ),
    Bug(
        "a user turns the type back without consent",
        "reconcile",
        '    if request.settings.on_rollback == "Keep":\n        return Fail(TurnBackRefused',
        "    if False:\n        return Fail(TurnBackRefused",
    ),
    Bug(
        "another type of the same generation counts as newer",
        "reconcile",
        "return _generation(hsm_type) > _generation(than)",
        "return _generation(hsm_type) >= _generation(than)",
    ),
    Bug(
        "others' changes are not waited out",
        "reconcile",
        "    if cluster.state not in states.SETTLED:\n",
        "    if False:\n",
    ),
    Bug(
        "retention is not looked at",
        "reconcile",
        "return request.settings.retention_days in (None, cluster.retention_days)",
        "return True",
    ),
    Bug(
        "retention that is as declared is written all the same",
        "reconcile",
        "return request.settings.retention_days in (None, cluster.retention_days)",
        "return request.settings.retention_days is None",
    ),
    Bug(
        "a change of somebody else is taken for one's own success",
        "reconcile",
        "return Fail(Conflicting(reasons.third_type(request, cluster)))",
        'return Done("a third type")',
    ),
    Bug(
        "that the type was asked for is forgotten",
        "converge",
        "        self.progress = decision.progress\n        try:",
        "        try:",
    ),
)


def lives(source: Path) -> bool:
    """Whether arbitrary lives find nothing wrong with the function in `source`."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-o", f"pythonpath={source} {ROOT}", "tests/unit/test_lives.py"],
        cwd=ROOT,
        env={**os.environ, "LIVES": os.environ.get("LIVES", "1500"), "LIVES_AS_FOUND": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        sys.exit(f"The test itself broke:\n{done.stdout}\n{done.stderr}")
    return done.returncode == 0


def plant(bug: Bug, source: Path) -> None:
    """Plants `bug` into the copy."""
    module = source / "cloudhsm_settings" / f"{bug.module}.py"
    text = module.read_text()
    if text.count(bug.sound) != 1:
        sys.exit(f"{bug.module}.py has changed: {bug.sound!r} is there {text.count(bug.sound)} times")
    module.write_text(text.replace(bug.sound, bug.planted))


def main() -> int:
    """Plants them all."""
    survived = 0
    for bug in (None, *BUGS):
        with tempfile.TemporaryDirectory() as directory:
            source = Path(directory) / "src"
            shutil.copytree(ROOT / "src", source)
            if bug:
                plant(bug, source)
            lived = lives(source)
        good = lived is (bug is None)
        survived += not good
        outcome = ("caught" if bug else "nothing found") if good else ("SURVIVED" if bug else "FAILED")
        print(f"{outcome:<14} {bug.what if bug else 'the function as it is'}", flush=True)
    print(f"{len(BUGS) + 1 - survived} passed, {survived} failed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
