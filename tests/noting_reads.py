"""Lambda's runtime interface client, noting each file of the function that is opened, in the file that READS names."""

import os
import sys
from typing import Any

_code = os.environ["LAMBDA_TASK_ROOT"] + "/"
_notes = os.open(os.environ["READS"], os.O_WRONLY | os.O_APPEND)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(_code):
        os.write(_notes, f"{arguments[0].removeprefix(_code)}\n".encode())


sys.addaudithook(_note)
from awslambdaric.__main__ import main  # noqa: E402  # after the hook

sys.argv[0] = "awslambdaric"
main(sys.argv)
