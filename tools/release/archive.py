"""Zips whose content alone decides their bytes: `python tools/release/archive.py DIRECTORY ZIP`."""

import sys
import zipfile
from pathlib import Path

# The earliest moment that a zip can name.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_READABLE_BY_ALL = 0o100644


def archive(directory: Path, file: Path) -> None:
    """Writes the files below `directory` into `file`: sorted, without dates, owners or modes."""
    with zipfile.ZipFile(file, "w") as zipped:
        for path in sorted(each for each in directory.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(directory).as_posix(), _EPOCH)
            entry.create_system, entry.external_attr = _UNIX, _READABLE_BY_ALL << 16
            zipped.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=9)


if __name__ == "__main__":
    archive(Path(sys.argv[1]), Path(sys.argv[2]))
