"""Leaves in botocore's endpoints.json what some services need: `python trim_endpoints.py FILE SERVICE ...`.

Half of the time in which a client is made goes into reading this file, which lists every service in every region.
"""

import json
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any


def trimmed(endpoints: dict[str, Any], services: Collection[str]) -> dict[str, Any]:
    """The same partitions, regions and defaults, with these services only."""
    return {
        **endpoints,
        "partitions": [
            {**each, "services": {name: each["services"][name] for name in services if name in each["services"]}}
            for each in endpoints["partitions"]
        ],
    }


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(json.dumps(trimmed(json.loads(file.read_text()), sys.argv[2:]), separators=(",", ":")))
