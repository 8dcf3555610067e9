"""A small run of the simulation, and what it is built of."""

import os
import subprocess
import sys
from random import Random

import pytest

from tests.simulation.agenda import START, Agenda
from tests.simulation.many import last_line, live, live_all
from tests.simulation.sometimes import Sometimes
from tests.simulation.swarm import FAULTS, Swarm
from tests.simulation.tasks import Tasks
from tests.simulation.timeline import LONGEST, Timeline
from tests.simulation.world import World

SEED = 50050


def test_no_guarantee_is_broken():
    report, _ = live_all(SEED, 1000, processes=2)
    assert not report.violations, report.text
    assert last_line(report).endswith(f"0 violations, seed {SEED}")


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_a_seed_replays_byte_for_byte(seed):
    traces = []
    for _ in range(2):
        world = World(seed)
        world.run()
        traces.append([str(line) for line in world.timeline.lines])
    assert traces[0] == traces[1]
    assert len(traces[0]) > 50


TRACE = f"""
from hashlib import sha256
from tests.simulation.world import World
world = World({SEED})
world.run()
print(sha256("\\n".join(map(str, world.timeline.lines)).encode()).hexdigest())
"""


def test_a_seed_replays_in_another_process():
    traces = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"src{os.pathsep}."}
        done = subprocess.run(
            [sys.executable, "-c", TRACE], env=environment, capture_output=True, text=True, check=True
        )
        traces.add(done.stdout)
    assert len(traces) == 1


def test_a_violation_says_what_happened_and_how_to_see_it_again():
    world = World(SEED)
    world.run()
    request = world.cloudformation.requests[10]
    world.oracle.broke("a guarantee", request, "planted")
    head, mood, *timeline, replay = world._told(world.oracle.violations[-1]).splitlines()
    assert head == f"VIOLATION of «a guarantee» by {request.name}, seed {SEED}: planted"
    assert world.swarm.mood in mood
    assert any(request.name in line and "CloudFormation" in line for line in timeline)
    assert 5 <= len(timeline) <= LONGEST + 1
    assert replay.strip() == f"replay: SEED={SEED} REQUESTS=1 make simulate"


def test_a_long_timeline_is_shortened_in_its_middle():
    timeline = Timeline(Agenda())
    for number in range(100):
        timeline.note("R1", "request", f"step {number}")
    told = timeline.about(["R1"], 0, START + 1)
    assert len(told) == LONGEST + 1
    assert ("step 0" in told[0], "step 99" in told[-1]) == (True, True)


def test_a_world_says_how_often_everything_happened():
    report, seen = live(SEED)
    assert report.requests >= 20
    assert seen.counts["stack: DELETE_COMPLETE"] or seen.counts["stack: ROLLBACK_COMPLETE"]
    assert seen.never(("stack: DELETE_COMPLETE", "pigs fly"))[-1] == "pigs fly"
    both = Sometimes()
    both.add(seen)
    both.add(seen)
    assert both.counts["sent: Create"] == 2 * seen.counts["sent: Create"]


def test_the_swarm_knows_calm_and_hell():
    moods = {Swarm.draw(Random(seed)).mood for seed in range(50)}
    assert moods == {"calm", "one", "several", "hell"}
    calm = next(swarm for seed in range(50) if (swarm := Swarm.draw(Random(seed))).mood == "calm")
    assert not any(calm.strikes(fault, START) for fault in FAULTS)


def test_tasks_overlap_at_their_pauses():
    agenda, order = Agenda(), []
    tasks = Tasks(agenda)

    def work(name: str, seconds: float) -> None:
        for step in range(3):
            order.append(f"{name}{step}")
            tasks.pause(seconds)

    agenda.after(0, lambda: tasks.start(lambda: work("a", 2)))
    agenda.after(1, lambda: tasks.start(lambda: work("b", 2)))
    agenda.run()
    tasks.close()
    assert order == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_what_a_task_raises_comes_out_of_the_agenda():
    agenda = Agenda()
    tasks = Tasks(agenda)

    def work() -> None:
        tasks.pause(1)
        raise AssertionError("seen")

    agenda.after(0, lambda: tasks.start(work))
    agenda.after(0.5, lambda: None)
    with pytest.raises(AssertionError, match="seen"):
        agenda.run()
