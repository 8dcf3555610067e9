"""`python -m sandbox rehearse`: its arguments, and what it prints."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import boto3
from rich.console import Console

from sandbox.rehearse.outcome import Outcome, table
from sandbox.rehearse.play import Rehearsed, WentWrong, play_all, stage
from sandbox.rehearse.scenarios import Scenario, scenarios
from sandbox.rehearse.template import NotPlayed, Shape, Staged, clusters_of

_WIDTH = 160
"""Columns where there is no terminal that says how many it has."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What a person can say."""
    parser.add_argument("template", type=Path, help="the template to rehearse, YAML or JSON")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="of the template")
    parser.add_argument("--before", type=Path, help="the stack's present template (derived by default)")
    parser.add_argument("--cluster", metavar="ID", help="a real cluster: number of HSMs, type and retention are read")
    parser.add_argument("--hsms", type=int, default=3, help="without --cluster: HSMs (default 3)")
    parser.add_argument("--hsm-type", default="hsm1.medium", help="without --cluster: type (default hsm1.medium)")
    parser.add_argument("--retention", type=int, default=90, help="without --cluster: days (default 90)")
    parser.add_argument("--only", metavar="TEXT", default="", help="only scenarios with this in their name")
    parser.add_argument("--timeline", metavar="TEXT", help="show the timelines of scenarios with this in their name")
    parser.add_argument("--json", action="store_true", dest="as_json", help="all of it as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Rehearses; 0 when all scenarios could be played, 1 when one could not, 64 when the template cannot."""
    console = Console(stderr=True)
    try:
        rehearsed = _rehearsed(arguments)
        chosen, notes = _chosen(rehearsed, arguments.only)
    except NotPlayed as refused:
        console.print(str(refused), style="red", highlight=False)
        return 64
    for note in notes:
        console.print(note, highlight=False)
    console.print(f"{len(chosen)} scenarios on a local cloud; its time goes by in steps", highlight=False)
    try:
        with stage() as played:
            outcomes = list(play_all(played, rehearsed, chosen))
    except WentWrong as wrong:
        console.print(str(wrong), style="red", highlight=False)
        return 1
    _show(outcomes, arguments)
    return 0


def _rehearsed(arguments: argparse.Namespace) -> Rehearsed:
    given = dict(each.partition("=")[::2] for each in arguments.parameter)
    shape = (
        shape_of(arguments.cluster)
        if arguments.cluster
        else Shape(arguments.hsms, arguments.hsm_type, arguments.retention)
    )
    former = arguments.before.read_text() if arguments.before else ""
    return Rehearsed(arguments.template.read_text(), given, shape, former)


def shape_of(cluster_id: str) -> Shape:
    """The shape of a real cluster, by the person's own credentials."""
    found = boto3.client("cloudhsmv2").describe_clusters(Filters={"clusterIds": [cluster_id]})["Clusters"]
    if not found:
        raise NotPlayed(f"{cluster_id} does not exist in this account and region.")
    days = (found[0].get("BackupRetentionPolicy") or {}).get("Value") or "90"
    return Shape(len(found[0].get("Hsms") or ()), found[0].get("HsmType") or "hsm1.medium", int(days))


def _chosen(rehearsed: Rehearsed, only: str) -> tuple[list[Scenario], list[str]]:
    """The scenarios to play, and what a person has to know about the template."""
    names = clusters_of(rehearsed.text)
    trial = rehearsed.stage(rehearsed.text, "arn", dict.fromkeys(names, "cluster-abcdefghijk"))
    types = [trial.declared(name).get("HsmType") for name in names]
    changes = any(each is not None and each != rehearsed.shape.hsm_type for each in types)
    found = [each for each in scenarios(rehearsed.shape, changes_type=changes) if only in each.name]
    if not found:
        raise NotPlayed(f"No scenario has {only!r} in its name.")
    return found, [*_notes(trial), *([] if changes else ["It changes no HSM type, so only few things can happen."])]


def _notes(trial: Staged) -> list[str]:
    stubs = [f"{name} ({kind})" for name, kind in trial.stubbed.items()]
    assumed = [f"{name}={value}" for name, value in trial.assumed.items()]
    return [
        *([f"Stubs stand in for: {', '.join(stubs)}"] if stubs else []),
        *([f"Assumed, because no resource of ours reads it: {', '.join(assumed)}"] if assumed else []),
    ]


def _show(outcomes: Sequence[Outcome], arguments: argparse.Namespace) -> None:
    if arguments.as_json:
        print(json.dumps([each.to_json() for each in outcomes], indent=2, default=str))
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(table(outcomes))
    for each in outcomes:
        if arguments.timeline is not None and arguments.timeline in each.scenario:
            console.print(f"\n{each.scenario}", style="bold")
            for moment in each.timeline:
                console.print(str(moment), highlight=False, soft_wrap=True)
