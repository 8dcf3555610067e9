"""The command: its options, and the way from them to an exit code."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cloudhsm_settings_cli.aws import Aws
from cloudhsm_settings_cli.command import Tools, shared
from cloudhsm_settings_cli.exits import Exit
from cloudhsm_settings_cli.plan import render
from cloudhsm_settings_cli.plan.checks import CHECKS, Check, Verdict, checks_of
from cloudhsm_settings_cli.plan.intent import Intent
from cloudhsm_settings_cli.plan.observe import backups_of, key_stores_of, natives_of, observe, tables
from cloudhsm_settings_cli.plan.plan import Plan, plan_of
from cloudhsm_settings_cli.plan.sources import Wanted, from_change_set, from_cluster, from_template


@click.command()
@click.option("--change-set", metavar="NAME|ARN", help="A change set; with --stack unless it is an ARN.")
@click.option("--template", type=click.Path(path_type=Path), metavar="FILE", help="A template; with --stack to update.")
@click.option("--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the template.")
@click.option("--stack", metavar="NAME", help="The stack to be updated, or to be made.")
@click.option("--cluster", metavar="ID", help="A cluster, and what it shall become:")
@click.option("--hsm-type", metavar="TYPE", help="its HSM type, such as hsm2m.medium,")
@click.option("--retention", metavar="DAYS", type=int, help="its backup retention,")
@click.option("--on-rollback", type=click.Choice(["Keep", "Revert"]), help="HsmTypeOnRollback,")
@click.option("--wait-condition", is_flag=True, help="with a new wait condition.")
@click.option("--ignore", multiple=True, metavar="NUMBER", help="A check to leave out, such as P04.")
@click.option("--all", "every", is_flag=True, help="Show the checks that pass too.")
@shared
def plan(tools: Tools, *, ignore: tuple[str, ...], every: bool, **source: Any) -> Exit:
    """What a deployment would do, before it is made. Reads, and changes nothing.

    Ends with 0 when there is nothing to do, 2 when something would change, 1 when it would be refused.
    """
    if unknown := sorted(set(ignore) - set(CHECKS)):
        raise click.UsageError(f"There is no check {', '.join(unknown)}.")
    now = tools.clock()
    plans = [_planned(tools.aws, intent, now) for intent in _intents(tools.aws, **source)]
    checked = [(each, tuple(check for check in checks_of(each) if check.number not in ignore)) for each in plans]
    for each, checks in checked:
        tools.out.lines(render.lines(each, checks, every=every))
    tools.out.lines([render.summary(checked)])
    code = _exit(checked)
    tools.out.document(
        {
            "exit": code.name,
            "resources": [render.document(each, checks) for each, checks in checked],
            "unread": [{"permission": gap.permission, "because": gap.because} for gap in tools.aws.gaps],
        }
    )
    tools.out.gaps(tools.aws.gaps)
    return code


def _intents(
    aws: Aws,
    *,
    change_set: str | None,
    template: Path | None,
    parameters: tuple[str, ...],
    stack: str | None,
    cluster: str | None,
    hsm_type: str | None,
    retention: int | None,
    on_rollback: str | None,
    wait_condition: bool,
) -> tuple[Intent, ...]:
    if sum(each is not None for each in (change_set, template, cluster)) != 1:
        raise click.UsageError("Give one of --change-set, --template and --cluster.")
    if change_set is not None:
        return from_change_set(aws, change_set, stack)
    if template is not None:
        return from_template(aws, template, _pairs(parameters), stack)
    wanted = Wanted(str(cluster), hsm_type, retention, on_rollback, wait_condition)
    records = [record for each in tables(aws) for record in each.of_cluster(wanted.cluster_id)]
    return (from_cluster(aws.region, wanted, records),)


def _pairs(parameters: tuple[str, ...]) -> dict[str, str]:
    pairs = [each.partition("=") for each in parameters]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise click.UsageError(f"--parameter {wrong[0]} has no value: write NAME=VALUE.")
    return {name: value for name, _, value in pairs}


def _planned(aws: Aws, intent: Intent, now: float) -> Plan:
    first = plan_of(intent, observe(aws, intent, now))
    if first.cluster is None or first.course is None or not first.course.calls:
        return first
    # Only what would change something needs to know more.
    cluster_id = first.cluster.cluster_id
    known = replace(
        first.observed,
        backups=backups_of(aws, cluster_id),
        key_stores=key_stores_of(aws, cluster_id) if first.changes_type else None,
        natives=natives_of(aws, first.observed, intent.natives),
    )
    return replace(first, observed=known)


def _exit(checked: list[tuple[Plan, tuple[Check, ...]]]) -> Exit:
    if any(check.verdict is Verdict.FAIL for _, checks in checked for check in checks):
        return Exit.FAILED
    return Exit.CHANGES if any(each.course and each.course.calls for each, _ in checked) else Exit.DONE
