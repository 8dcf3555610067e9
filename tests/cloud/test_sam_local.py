"""Every event as `sam local invoke` runs it, through Lambda's own runtime emulator on the bare host."""

import pytest

from sandbox.console import Console
from sandbox.sam_local import sam_local

pytestmark = pytest.mark.cloud


def test_every_event_is_answered(capfd):
    assert sam_local(Console(), bare_host=True) == []
    shown = capfd.readouterr().out
    assert "Running on the Lambda runtime emulator on the bare host" in shown
    assert '"PhysicalResourceId": "cluster-abcdefghijk"' in shown
