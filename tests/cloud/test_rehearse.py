"""Two templates rehearsed: hours of a real change, a deadline and what a rollback costs, in seconds."""

from collections.abc import Iterator

import pytest

from sandbox.ministack import ROOT
from sandbox.rehearse.everything import FOREIGN, faults, rehearsal_of
from sandbox.rehearse.outcome import Outcome
from sandbox.rehearse.play import Rehearsed, Stage, WentWrong, play_all, stage

pytestmark = [pytest.mark.cloud, pytest.mark.weekly]
MIGRATION = ROOT / "examples" / "migration" / "template.yaml"


@pytest.fixture(scope="module")
def played() -> Iterator[Stage]:
    with stage() as running:
        yield running


def outcomes(played: Stage, path, *names: str) -> dict[str, Outcome]:
    """Of some scenarios, each of which has to be as promised."""
    rehearsal = rehearsal_of(path)
    chosen = [each for each in rehearsal.chosen if each.name in names]
    assert len(chosen) == len(names)
    found = list(play_all(played, rehearsal.rehearsed, chosen))
    assert [list(faults(*each)) for each in zip(chosen, found, strict=True)] == [[] for _ in names]
    return {each.scenario: each for each in found}


def test_hours_go_by_in_seconds_and_outcomes_are_as_promised(played):
    names = ("success", "CloudHSM reverts after 0 of 1", "CloudHSM hangs", "cancelled, Keep", "neighbour fails, Revert")
    found = outcomes(played, MIGRATION, *names)
    ended = {name: (found[name].clusters["Settings"].hsm_type, found[name].keys) for name in names}
    assert ended == {
        "success": ("hsm2m.medium", "kept"),
        "CloudHSM reverts after 0 of 1": ("hsm1.medium", "kept"),
        "CloudHSM hangs": ("hsm2m.medium", "kept"),
        "cancelled, Keep": ("hsm2m.medium", "kept"),
        "neighbour fails, Revert": ("hsm1.medium", "LOST"),
    }
    assert found["success"].minutes == pytest.approx(30, abs=3)
    assert found["CloudHSM hangs"].minutes == pytest.approx(58, abs=3)
    assert "the time is up" in found["CloudHSM hangs"].because
    assert found["cancelled, Keep"].minutes < 5
    assert found["cancelled, Keep"].clusters["Settings"].retention == "90"
    shown = "\n".join(map(str, found["success"].timeline))
    assert "30 min  Settings: ACTIVE, 1 of 1 HSMs changed" in shown
    assert "rehearsal-" in shown
    assert "CREATE_IN_PROGRESS" not in shown


def test_a_foreign_template_with_two_clusters_beside_resources_that_are_stubbed(played):
    found = outcomes(played, FOREIGN / "two-clusters.json", "success", "cancelled, Revert", "deleted during creation")
    clusters = found["success"].clusters
    assert (clusters["One"].hsm_type, clusters["Two"].retention) == ("hsm2m.medium", "30")
    assert (clusters["Two"].hsm_type, clusters["Two"].calls) == ("hsm1.medium", 1)
    assert {name: found[name].clusters["One"].hsm_type for name in found} == {
        "success": "hsm2m.medium",
        "cancelled, Revert": "hsm1.medium",
        "deleted during creation": "hsm2m.medium",
    }
    assert {each.keys for each in found.values()} == {"kept"}


def test_a_stack_that_cannot_be_made_as_it_was_before_is_not_taken_for_an_outcome(played):
    rehearsal = rehearsal_of(MIGRATION)
    wrong = rehearsal.rehearsed.text.replace("      ClusterId:", "      HsmTypeOnRollback: Perhaps\n      ClusterId:")
    assert wrong != rehearsal.rehearsed.text
    with pytest.raises(WentWrong, match="HsmTypeOnRollback is 'Perhaps'"):
        list(play_all(played, Rehearsed(wrong, shape=rehearsal.rehearsed.shape), rehearsal.chosen[:1]))
