"""Templates of the CDK examples, kept so that every change of them is seen: `make generate` writes them anew."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox.cdk import NODE
from sandbox.ministack import ROOT, clean_environment

SNAPSHOTS = ROOT / "tests" / "cdk" / "snapshots"
APPS = sorted(path.parent for path in (ROOT / "examples").glob("*/app.py"))


def synthesize(app: Path, assembly: Path, **variables: str) -> Path:
    """Runs an example's app as the CDK CLI does; returns `assembly`, the directory that it writes to."""
    environment = {
        **clean_environment(),
        "CDK_CONTEXT_JSON": json.dumps({"cluster": "cluster-abcdefghijk"}),
        "CDK_OUTDIR": str(assembly),
        "JSII_NODE": str(NODE),
        "PYTHONPATH": str(ROOT / "cdk"),
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=app, env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode or done.stderr:
        raise RuntimeError(f"{app.name} failed or warned:\n{done.stderr}")
    return assembly


def all_templates() -> dict[Path, str]:
    """What the kept files ought to contain."""
    with tempfile.TemporaryDirectory() as made:
        assemblies = [synthesize(app, Path(made) / app.name) for app in APPS]
        found = [path for assembly in assemblies for path in assembly.glob("*.template.json")]
        return {SNAPSHOTS / path.name: _readable(path) for path in found}


def _readable(template: Path) -> str:
    """Without what changes with every change of the function's code."""
    text = json.dumps(json.loads(template.read_text()), indent=2)
    return re.sub(r'"[0-9a-f]{64}\.zip"', '"<asset>.zip"', text) + "\n"


def main() -> None:
    """Writes them all, and removes those of apps that are gone."""
    for path in SNAPSHOTS.glob("*.json"):
        path.unlink()
    SNAPSHOTS.mkdir(exist_ok=True)
    for path, text in all_templates().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
