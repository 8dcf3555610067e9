"""Writes docs/performance.md and its picture anew, from what bench/results.json has."""

import json
from pathlib import Path

from bench.figure import figure
from bench.page import page

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results.json"


def main() -> None:
    """Writes both."""
    numbers = json.loads(RESULTS.read_text())
    (ROOT / "docs" / "performance.md").write_text(page(numbers))
    (ROOT / "docs" / "performance.svg").write_text(figure(numbers))


if __name__ == "__main__":
    main()
