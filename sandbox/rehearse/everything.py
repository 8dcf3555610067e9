"""`python -m sandbox rehearsals`: every template of examples/ and the foreign ones, held to what is promised."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.console import Console
from sandbox.ministack import ROOT
from sandbox.rehearse.outcome import Outcome, shortened
from sandbox.rehearse.play import Rehearsed, Stage, play_all, stage
from sandbox.rehearse.scenarios import Scenario, scenarios
from sandbox.rehearse.template import OURS, Shape, clusters_of

FOREIGN = Path(__file__).with_name("foreign")
GIVEN = {"signing-service.yaml": {"Stage": "live"}}
"""Parameters, by the name of a template's file."""


@dataclass(frozen=True)
class Rehearsal:
    """One template and the ways that are played of it."""

    path: Path
    rehearsed: Rehearsed
    chosen: tuple[Scenario, ...]


def templates() -> tuple[Path, ...]:
    """All templates that have a resource of ours; those of CDK as it writes them."""
    found = [
        *(ROOT / "examples").glob("*/template.yaml"),
        *(ROOT / "tests" / "cdk" / "snapshots").glob("*.json"),
        *FOREIGN.iterdir(),
    ]
    return tuple(sorted(path for path in found if f"Type: {OURS}" in path.read_text().replace('"', "")))


def rehearsal_of(path: Path) -> Rehearsal:
    """A template on clusters that fit its wait: with a wait condition there are three HSMs, else one."""
    text = path.read_text()
    shape = Shape(hsms=3 if "AWS::CloudFormation::WaitCondition" in text else 1)
    rehearsed = Rehearsed(text, GIVEN.get(path.name, {}), shape)
    trial = rehearsed.stage(text, "arn", dict.fromkeys(clusters_of(text), "cluster-abcdefghijk"))
    changes = any("HsmType" in trial.declared(name) for name in trial.ours)
    return Rehearsal(path, rehearsed, scenarios(shape, changes_type=changes))


def faults(scenario: Scenario, outcome: Outcome) -> Iterator[str]:
    """What of an outcome is not as promised."""
    if outcome.stack_status != scenario.promised_status:
        yield f"the stack is {outcome.stack_status}, promised is {scenario.promised_status}"
    if outcome.keys == "LOST" and not scenario.may_cost_keys:
        yield "it cost keys"


def rehearse(stage: Stage, rehearsal: Rehearsal, console: Console) -> list[str]:
    """Plays all ways and says how each ended; returns the faults."""
    console.chapter(str(rehearsal.path.relative_to(ROOT)))
    wrong = []
    for scenario, outcome in zip(rehearsal.chosen, play_all(stage, rehearsal.rehearsed, rehearsal.chosen), strict=True):
        found = [f"{rehearsal.path.name}: {scenario.name}: {each}" for each in faults(scenario, outcome)]
        clusters = "; ".join(str(each) for each in outcome.clusters.values())
        verdict = f"WRONG {found}" if found else "ok"
        line = f"{scenario.name:<32} {outcome.stack_status:<26} {outcome.minutes:4.0f} min  {clusters}"
        console.line(f"{line}  keys {outcome.keys}  {shortened(outcome.because)}  {verdict}")
        wrong += found
    return wrong


def rehearse_everything(console: Console) -> int:
    """All of it; 0 when everything is as promised."""
    rehearsals = [rehearsal_of(path) for path in templates()]
    console.chapter(f"{len(rehearsals)} templates on a local cloud whose time goes by in steps")
    with stage() as played:
        wrong = [each for one in rehearsals for each in rehearse(played, one, console)]
    console.chapter("Not as promised:\n" + "\n".join(wrong) if wrong else "Everything is as promised")
    return 1 if wrong else 0
