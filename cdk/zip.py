"""Packs a directory into a zip that depends on nothing but names and contents: `python zip.py DIRECTORY ZIP`."""

import sys
import zipfile
from pathlib import Path

# The earliest date that a zip can hold.
DATE = (1980, 1, 1, 0, 0, 0)
READABLE_BY_ALL = 0o100644


def pack(directory: Path, archive: Path) -> None:
    """Writes the files below `directory`, in the order of their names, into `archive`."""
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in sorted(path for path in directory.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(directory).as_posix(), DATE)
            entry.external_attr = READABLE_BY_ALL << 16
            zipped.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    pack(Path(sys.argv[1]), Path(sys.argv[2]))
