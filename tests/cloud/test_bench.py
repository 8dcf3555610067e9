"""The bench measures the built function: its calls are what is promised of them, and its code cannot be written to."""

import sys

import pytest

from bench import starts
from bench.contenders import Contender
from bench.environments import Measured
from bench.world import world
from sandbox.sam_local import built

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def ours():
    with built() as directory:
        yield Contender("ours", directory / "Function", "cloudhsm_settings.handler.lambda_handler", sys.executable)


@pytest.fixture(scope="module")
def around(tmp_path_factory):
    with world(tmp_path_factory.mktemp("world")) as started:
        yield started


def test_it_counts_calls_and_takes_samples(around, ours):
    taken = starts.measure(around, {"ours": ours}, [1], lambda _: None)
    calls = {kind: (each.cloudhsm, each.others) for (_, kind), each in taken.calls.items()}
    assert calls == {"noop": (1, 2), "retention": (2, 3), "migration": (3, 9), "poll": (1, 1)}
    assert len(taken.cpu("ours")) == 1
    assert taken.cpu("ours")[0] > 0
    assert taken.peak("ours") > 10 * 1024**2


def test_an_environment_cannot_write_to_its_code(around, ours, tmp_path):
    (tmp_path / "app.py").write_text(
        "import pathlib, os\n"
        "def lambda_handler(event, context):\n"
        "    try:\n"
        "        pathlib.Path(os.environ['LAMBDA_TASK_ROOT'], 'new').touch()\n"
        "    except OSError:\n"
        "        return\n"
        "    raise AssertionError('written')\n"
    )
    with Measured(Contender("any", tmp_path, "app.lambda_handler", sys.executable), around.variables) as measured:
        assert measured.invoke({}).wall_seconds > 0
    assert [path.name for path in tmp_path.iterdir()] == ["app.py"]
