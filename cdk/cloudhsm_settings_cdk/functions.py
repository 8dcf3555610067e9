"""The built functions, as the package carries them or as its checkout builds them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

from aws_cdk import aws_lambda as lambda_

_PACKAGE = Path(__file__).parent


def code(function: Literal["Function", "Responder"]) -> lambda_.Code:
    """What template.yaml's function of that name consists of. Raises RuntimeError where it cannot be built."""
    checkout = _PACKAGE.parent
    if (checkout / "Makefile").exists():
        _build(checkout)
    return lambda_.Code.from_asset(str(_PACKAGE / "functions" / f"{function}.zip"))


def _build(checkout: Path) -> None:
    """Brings the zips up to date with the sources, which is quick when they are."""
    command = ["make", "--silent", "-C", str(checkout), "functions"]
    environment = {"PYTHON": sys.executable, **os.environ}
    try:
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    except FileNotFoundError as missing:
        raise RuntimeError(
            "`make` is missing, with which a checkout builds the function. Install it, or install the wheel of "
            "cloudhsm-settings-cdk, which carries the function."
        ) from missing
    except subprocess.CalledProcessError as failed:
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{failed.stderr}") from failed
