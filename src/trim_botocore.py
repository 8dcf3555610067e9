"""Leaves in botocore's data what some operations need: `python trim_botocore.py DATA SERVICE:OPERATION,... ...`.

Most of the time in which a client is made goes into reading these files: one lists every service in every region,
and each service has one that describes all of its operations.
"""

import gzip
import json
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

UNUSED = ("examples-*", "paginators-*", "waiters-*")
"""Files of a service that only documentation, paginators and waiters read."""


def trim(data: Path, called: Mapping[str, Collection[str]]) -> None:
    """Trims botocore's directory `data` to the operations that are `called`, by service."""
    for path in data.iterdir():
        if path.is_dir() and path.name not in called:
            shutil.rmtree(path)
    endpoints = data / "endpoints.json"
    _write(endpoints, endpoints_of(json.loads(endpoints.read_text()), called))
    for service, operations in called.items():
        _trim_service(data / service, operations)


def endpoints_of(endpoints: dict[str, Any], services: Collection[str]) -> dict[str, Any]:
    """The same partitions, regions and defaults, with these services only."""
    return {
        **endpoints,
        "partitions": [
            {**each, "services": {name: each["services"][name] for name in services if name in each["services"]}}
            for each in endpoints["partitions"]
        ],
    }


def model_of(model: dict[str, Any], operations: Collection[str]) -> dict[str, Any]:
    """The same service with these operations only, the shapes that they reach, and no documentation."""
    kept = {name: model["operations"][name] for name in operations}
    shapes = _reached(model["shapes"], list(_shapes_in(kept)))
    trimmed: dict[str, Any] = _undocumented({**model, "operations": kept, "shapes": shapes})
    return trimmed


def _reached(shapes: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """The shapes of these names, and those that they are made of."""
    reached: dict[str, Any] = {}
    while names:
        name = names.pop()
        if name not in reached:
            reached[name] = shapes[name]
            names.extend(_shapes_in(shapes[name]))
    return {name: reached[name] for name in sorted(reached)}


def _shapes_in(value: Any) -> Iterator[str]:
    """Names of shapes to which any part of `value` refers."""
    if isinstance(value, list):
        for each in value:
            yield from _shapes_in(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            # A member may be called "shape" as well, but it is no string.
            if key == "shape" and isinstance(each, str):
                yield each
            else:
                yield from _shapes_in(each)


def _undocumented(value: Any) -> Any:
    if isinstance(value, list):
        return [_undocumented(each) for each in value]
    if isinstance(value, dict):
        # A member may be called "documentation" as well, but it is no string.
        prose = {key for key, each in value.items() if key == "documentation" and isinstance(each, str)}
        return {key: _undocumented(each) for key, each in value.items() if key not in prose}
    return value


def _trim_service(directory: Path, operations: Collection[str]) -> None:
    """Leaves the newest version of a service, as plain JSON: it is read faster, and the zip compresses it anyway."""
    *older, newest = sorted(path for path in directory.iterdir() if path.is_dir())
    for version in older:
        shutil.rmtree(version)
    for unused in (path for pattern in UNUSED for path in newest.glob(pattern)):
        unused.unlink()
    for path in newest.glob("*.json.gz"):
        content = json.loads(gzip.decompress(path.read_bytes()))
        _write(path.with_suffix(""), model_of(content, operations) if path.name.startswith("service-") else content)
        path.unlink()


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, separators=(",", ":")))


if __name__ == "__main__":
    pairs = (argument.split(":") for argument in sys.argv[2:])
    trim(Path(sys.argv[1]), {service: operations.split(",") for service, operations in pairs})
