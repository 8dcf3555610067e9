"""Draws the life of a change of type from what `decide` really says; `make generate` writes it into its page."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from cloudhsm_settings import cluster as states
from cloudhsm_settings.cluster import Cluster, Hsm
from cloudhsm_settings.decisions import Decision, Done, Fail, ModifyHsmType, Wait
from cloudhsm_settings.properties import Settings
from cloudhsm_settings.reconcile import decide
from cloudhsm_settings.request import Progress, Request, StackPhase

PAGE = Path(__file__).parent.parent / "docs" / "migrating.md"
BEGIN, END = "```mermaid\n", "```"
NOW, FORMER, WANTED, THIRD = 1_800_000_000.0, "hsm1.medium", "hsm2m.medium", "hsm2x.large"
STATES = [
    getattr(states, name)
    for name in vars(states)
    if name.isupper() and isinstance(getattr(states, name), str) and not name.startswith("_")
]
TYPES = {"former type": FORMER, "wanted type": WANTED, "a third type": THIRD}
ASKED = Progress(hsm_type_asked_at=NOW - 600, hsm_type_answered=True, previous_hsm_type=FORMER)
STAGES = {"Waiting": Progress(), "Asked": ASKED, "Doubting": replace(ASKED, former_seen_at=NOW - 300)}


GROUPS = {
    "changing type": states.TYPE_CHANGING,
    "in transition": {states.CREATE_IN_PROGRESS, states.INITIALIZE_IN_PROGRESS, states.UPDATE_IN_PROGRESS},
    "not ready": states.SETTLED - {states.ACTIVE},
    "deleted": states.GONE,
}
"""States that everything but the retention treats alike; one that is decided differently stands alone."""


def diagram() -> str:
    """The Mermaid source."""
    arrows: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for stage, progress in STAGES.items():
        for state in STATES:
            for label, hsm_type in TYPES.items():
                if (stage == "Waiting" and hsm_type == THIRD) or (state != states.ACTIVE and hsm_type == THIRD):
                    continue
                decision = _decided(state, hsm_type, progress)
                arrows[stage, _target(decision)][state].append(label)
    lines = ["stateDiagram-v2", "    [*] --> Waiting"]
    for (source, target), seen in arrows.items():
        labels = [
            group if len(types) == _possible(source, group) else f"{group} ({', '.join(types)})"
            for group, types in _grouped(seen).items()
        ]
        lines.append(f"    {source} --> {target}: {'<br/>'.join(labels)}")
    return "\n".join([*lines, "    Succeeded --> [*]", "    Failed --> [*]"]) + "\n"


def _grouped(seen: dict[str, list[str]]) -> dict[str, list[str]]:
    """The same with groups instead of states, where all states of a group came to the same."""
    grouped = dict(seen)
    for group, members in GROUPS.items():
        types = [grouped.get(state) for state in members]
        if types[0] is not None and all(each == types[0] for each in types):
            grouped = {state: each for state, each in grouped.items() if state not in members} | {group: types[0]}
    return grouped


def _decided(state: str, hsm_type: str, progress: Progress) -> Decision:
    cluster = Cluster("cluster-abcdefghijk", state, hsm_type=hsm_type, hsms=(Hsm("hsm-1", hsm_type),))
    request = Request(Settings(cluster.cluster_id, WANTED), NOW + 3000, NOW + 40000, phase=StackPhase.FORWARD)
    return decide(request, cluster, progress, NOW)


def _target(decision: Decision) -> str:
    match decision:
        case ModifyHsmType():
            return "Asked"
        case Done():
            return "Succeeded"
        case Fail():
            return "Failed"
        case Wait(progress):
            doubts, asked = progress.former_seen_at is not None, progress.hsm_type_asked_at is not None
            return "Doubting" if doubts else "Asked" if asked else "Waiting"
    raise TypeError(decision)


def _possible(stage: str, state: str) -> int:
    return 3 if state == states.ACTIVE and stage != "Waiting" else 2


def main() -> None:
    """Writes the diagram into its page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + diagram() + END + after)


if __name__ == "__main__":
    main()
