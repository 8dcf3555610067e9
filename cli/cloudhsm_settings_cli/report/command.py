"""The command: its options, and the files that it writes."""

import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cloudhsm_settings_cli.command import Tools, shared
from cloudhsm_settings_cli.exits import Exit
from cloudhsm_settings_cli.report.gather import gather
from cloudhsm_settings_cli.report.page import html, markdown
from cloudhsm_settings_cli.report.story import Story, story_of

_SECONDS = {"m": 60, "h": 3600, "d": 86400}


@click.command()
@click.argument("stack", required=False, default="")
@click.option("--cluster", "cluster_id", metavar="ID", default="", help="A cluster instead of a stack.")
@click.option("--since", metavar="TIME", default="7d", show_default=True, help="2026-11-27T18:00:00Z, or 90m, 12h, 7d.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIRECTORY",
    help="Write report.md, report.html and the evidence there, instead of Markdown to standard output.",
)
@shared
def report(tools: Tools, *, stack: str, cluster_id: str, since: str, output: Path | None) -> Exit:
    """A page for the change ticket: who asked, what was done, when, and what became of STACK's cluster.

    Ends with 0, whatever the outcome of the change was.
    """
    if bool(stack) is bool(cluster_id):
        raise click.UsageError("Name a stack, or a cluster with --cluster.")
    now = tools.clock()
    found = gather(tools.aws, stack=stack, cluster_id=cluster_id, since=since_when(since, now), now=now)
    stories = [story_of(each) for each in found]
    if output is not None:
        _write(output, stories)
        tools.out.lines(f"{path}" for path in sorted(output.iterdir()) if path.name.startswith(("report.", "evidence")))
    elif not tools.out.as_json:
        tools.out.lines(markdown(stories).splitlines())
    tools.out.document({"reports": [_document(each) for each in stories]})
    tools.out.gaps(tools.aws.gaps)
    return Exit.DONE


def since_when(text: str, now: float) -> float:
    """Seconds since the epoch of "7d" or of an ISO 8601 moment, which is UTC unless it says otherwise."""
    if match := re.fullmatch(r"(\d{1,5})([mhd])", text):
        return now - int(match[1]) * _SECONDS[match[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--since {text} is no time: write 2026-11-27T18:00:00Z, 90m, 12h or 7d.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _write(directory: Path, stories: list[Story]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "report.md").write_text(markdown(stories))
    (directory / "report.html").write_text(html(stories))
    for each in stories:
        (directory / f"evidence-{each.evidence.cluster_id}.json").write_bytes(each.evidence.to_bytes())


def _document(story: Story) -> dict[str, Any]:
    evidence = story.evidence
    return {
        "clusterId": evidence.cluster_id,
        "since": evidence.since,
        "madeAt": evidence.made_at,
        "operations": [asdict(each) for each in story.operations],
        "calls": [asdict(each) for each in story.calls],
        "askers": None if story.askers is None else [asdict(each) for each in story.askers],
        "foreign": None if story.foreign is None else [asdict(each) for each in story.foreign],
        "before": dict(story.before),
        "after": dict(story.after),
        "drift": list(story.drift),
        "timeline": [asdict(each) for each in story.timeline],
        "evidenceSha256": evidence.digest,
        "unread": list(evidence.unread),
    }
