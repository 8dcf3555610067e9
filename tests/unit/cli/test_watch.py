"""What `watch` makes of what it has read: pure, one moment of one operation at a time."""

import io
from dataclasses import replace

import pytest

from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.custom_resource.record import Record, Response
from cloudhsm_settings.history import Memory, TypeChange
from cloudhsm_settings_cli.exits import Exit
from cloudhsm_settings_cli.output import Output
from cloudhsm_settings_cli.watch import words
from cloudhsm_settings_cli.watch.lines import Lines, line_of
from cloudhsm_settings_cli.watch.observed import Observed, Poll, Sighting, Stack, StackEvent, without_urls
from cloudhsm_settings_cli.watch.screen import drawn
from cloudhsm_settings_cli.watch.view import View, view
from sandbox.cloudhsm import SandboxCluster
from sandbox.cloudhsm.client import as_botocore_parses

T0 = 1_800_000_000.0
MINUTE, HOUR = 60.0, 3600.0
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/vault/1"
SECRET = "https://bucket.example/?X-Amz-Signature=secret"
KEYS = "every key and user made since ACTIVE is lost"


def cluster_at(minutes: float, *, hsms: int = 3, **members: object) -> Cluster:
    """A cluster so long after the beginning of its migration."""
    cluster = SandboxCluster.of(hsms, cluster_id="cluster-abcdefghijk", **members)
    cluster.migrate("hsm2m.medium", T0)
    cluster.advance_to(T0 + minutes * MINUTE)
    return Cluster.from_api(as_botocore_parses(cluster.to_api()))


def at_rest(hsm_type: str) -> Cluster:
    cluster = SandboxCluster.of(3, cluster_id="cluster-abcdefghijk", hsm_type=hsm_type)
    return Cluster.from_api(as_botocore_parses(cluster.to_api()))


CHANGE = TypeChange("cluster-abcdefghijk", "hsm1.medium", "hsm2m.medium", T0, request_id="one", answered=True)
TURNED_BACK = TypeChange("cluster-abcdefghijk", "hsm2m.medium", "hsm1.medium", T0 + 60, request_id="two", answered=True)


def record(on_rollback: str = "Keep", *, change: TypeChange | None = CHANGE, **members: object) -> Record:
    fields = {
        "stack_id": STACK,
        "logical_resource_id": "Settings",
        "request_id": "one",
        "request_type": "Update",
        "physical_resource_id": "cluster-abcdefghijk",
        "declared": {"HsmType": "hsm2m.medium", "HsmTypeOnRollback": on_rollback},
        "signed_at": T0,
        "deadline": T0 + HOUR,
        "handle_deadline": T0 + 12 * HOUR,
        "memory": Memory(type_change=change).to_json(),
    }
    return Record(**{**fields, **members})


def begun(status: str = "UPDATE_IN_PROGRESS", *more: StackEvent) -> Stack:
    first = StackEvent(T0 - 5, "vault", "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS", "User Initiated")
    return Stack(STACK, "vault", status, (first, *more))


def observed(minutes: float, **members: object) -> Observed:
    fields = {
        "cluster_id": "cluster-abcdefghijk",
        "logical_id": "Settings",
        "stack": begun(),
        "cluster": cluster_at(minutes),
        "record": record(),
        "polls": (Poll(T0 + minutes * MINUTE - 22, "Wait", "it is MODIFY_IN_PROGRESS", "MODIFY_IN_PROGRESS"),),
        "region": "us-east-1",
    }
    return Observed(**{**fields, **members})


def seen(*minutes: float) -> tuple[Sighting, ...]:
    """One HSM more at each of these minutes."""
    return tuple(
        Sighting(T0 + at * MINUTE, "MODIFY_IN_PROGRESS", {"hsm2m.medium": n + 1}) for n, at in enumerate(minutes)
    )


def at(minutes: float, **members: object) -> View:
    return view(observed(minutes, **members), T0 + minutes * MINUTE)


# How far ------------------------------------------------------------------------------------------------


def test_each_hsm_has_a_bar_with_the_minutes_that_were_measured():
    shown = at(63, sightings=seen(29, 60))
    assert [words.bar(each) for each in shown.hsms.bars] == [
        "hsm2m done 29 min",
        "hsm2m done 31 min",
        "hsm1 ..... 3 min",
    ]
    assert words.how_far(shown) == f"2 of 3, end about {words.clock(T0 + 90 * MINUTE)} (+- 5 min)"


def test_before_anything_was_measured_an_hsm_takes_half_an_hour():
    shown = at(5)
    assert (shown.hsms.ends_at, shown.hsms.margin) == (T0 + 90 * MINUTE, 3 * 10 * MINUTE)
    assert words.bar(shown.hsms.bars[0]) == "hsm1 ..... 5 min"
    assert words.bar(shown.hsms.bars[1]) == "hsm1 ....."


def test_slow_hsms_move_the_end():
    assert at(61, sightings=seen(45, 60.5)).hsms.ends_at == pytest.approx(T0 + (60.5 + 30.25) * MINUTE)


def test_watched_late_the_measured_minutes_of_hsms_seen_together_are_shared():
    """Both were done before the first sighting: the second one's own time is not known to be zero."""
    both = (Sighting(T0 + 62 * MINUTE, "MODIFY_IN_PROGRESS", {"hsm2m.medium": 2}),)
    assert at(62, sightings=both).hsms.ends_at == pytest.approx(T0 + (62 + 31) * MINUTE)


def test_an_hsm_that_takes_longer_than_measured_ends_no_earlier_than_now():
    assert at(95, cluster=replace(cluster_at(63)), sightings=seen(29, 60)).hsms.ends_at == T0 + 95 * MINUTE


def test_somebody_elses_change_began_a_day_before_its_window_ends():
    assert at(10, record=None).hsms.bars[0].seconds == 10 * MINUTE


def test_after_the_end_the_minutes_stay():
    shown = at(95, sightings=seen(29, 60, 91))
    assert [words.bar(each) for each in shown.hsms.bars] == [f"hsm2m done {n} min" for n in (29, 31, 31)]
    assert words.how_far(shown) == ""


def test_a_cluster_at_rest_has_no_end_to_wait_for():
    assert words.how_far(at(0, cluster=at_rest("hsm1.medium"))) == ""


# The last poll ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "is_alarming"), [(170, False), (190, True)])
def test_three_minutes_without_a_poll_are_red(seconds, is_alarming):
    last = Poll(T0, "Wait", "", "MODIFY_IN_PROGRESS")
    shown = view(observed(1, polls=(last,)), T0 + seconds)
    assert shown.is_alarming is is_alarming
    assert ("none since" in words.last_poll(shown)) is is_alarming
    assert any("red" in str(line.style) for line in drawn(shown)) is is_alarming


def test_no_poll_at_all_is_red_once_one_was_due():
    assert not view(observed(1, polls=()), T0 + 100).is_alarming
    assert view(observed(1, polls=()), T0 + 200).is_alarming


def test_polls_that_cannot_be_read_are_no_alarm():
    assert not view(observed(1, polls=None), T0 + 1000).is_alarming


def test_an_operation_that_has_ended_is_not_polled():
    assert not at(60, record=record(ended=True), stack=begun("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")).is_alarming


# Turning back -------------------------------------------------------------------------------------------


def test_during_the_migration_nothing_is_lost_and_the_command_says_how():
    shown = at(10)
    way = shown.way_back
    assert way is not None
    assert (way.price, way.later, way.until) == (
        "nothing is lost",
        "after ACTIVE every key and user made since",
        T0 + 24 * HOUR,
    )
    assert way.command == (
        "aws cloudhsmv2 modify-cluster --cluster-id cluster-abcdefghijk --hsm-type hsm1.medium --region us-east-1"
    )


def test_with_revert_the_stack_is_cancelled_instead():
    way = at(10, record=record("Revert")).way_back
    assert way is not None
    assert way.command == "aws cloudformation cancel-update-stack --stack-name vault --region us-east-1"


def test_after_active_it_costs_keys_and_no_command_is_named():
    way = at(95).way_back
    assert way is not None
    assert (way.price, way.command) == (KEYS, "")


def test_after_a_day_there_is_no_way_back():
    assert at(25 * 60).way_back is None


def test_while_it_goes_back_there_is_no_way_back_to_offer():
    going_back = replace(cluster_at(10), state="ROLLBACK_IN_PROGRESS", hsm_type="hsm1.medium")
    assert at(10, cluster=going_back).way_back is None


def test_a_type_is_offered_only_when_one_is_known():
    assert at(10, record=None, cluster=cluster_at(10, hidden=frozenset({"Hsms.HsmType"}))).way_back is None


@pytest.mark.parametrize(
    ("minutes", "members", "says"),
    [
        (10, {}, "CloudHSM goes on, the type stays hsm2m.medium (Keep)"),
        (10, {"record": record("Revert")}, "CloudHSM goes back to hsm1.medium (Revert), nothing is lost"),
        (95, {}, "The type stays hsm2m.medium (Keep)"),
        (95, {"record": record("Revert")}, f"CloudHSM goes back to hsm1.medium (Revert), {KEYS}"),
        (25 * 60, {"record": record("Revert")}, "The type stays hsm2m.medium (Revert)"),
        (10, {"record": record("Revert", change=replace(CHANGE, is_last=False))}, "CloudHSM goes on, the type stays"),
        (10, {"record": record(change=None)}, "The type stays as it is"),
        (10, {"cluster": at_rest("hsm1.medium")}, "The type stays as it is"),
        (10, {"record": None}, "is not known"),
        (10, {"stack": begun("CREATE_IN_PROGRESS")}, "A creation cannot be cancelled"),
        (10, {"stack": begun("UPDATE_ROLLBACK_IN_PROGRESS")}, "rolling back already"),
        (10, {"stack": begun("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")}, "no update to cancel"),
    ],
)
def test_what_cancelling_now_would_do(minutes, members, says):
    assert says in at(minutes, **members).cancelling


def test_nothing_is_said_of_cancelling_what_does_not_run():
    assert at(10, stack=begun("UPDATE_COMPLETE")).cancelling == ""


# The end ------------------------------------------------------------------------------------------------

FAILED = StackEvent(T0 + 60, "Settings", "Custom::CloudHSMClusterSettings", "UPDATE_FAILED", "CloudHSM reverted it")


def over(outcome: str, status: str = "UPDATE_COMPLETE", **members: object) -> View:
    changed = members.pop("change", CHANGE)
    kept = record(change=changed, ended=True, outcome=outcome, response=Response("FAILED", "the reason", "id"))
    return at(100, record=kept, stack=begun(status, FAILED), polls=(), **members)


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (over("Succeeded"), Exit.DONE),
        (over("Deleted", "DELETE_COMPLETE"), Exit.DONE),
        (over("Succeeded", "UPDATE_ROLLBACK_COMPLETE", cluster=at_rest("hsm2m.medium")), Exit.FAILED),
        (over("Succeeded", "UPDATE_ROLLBACK_COMPLETE", cluster=at_rest("hsm1.medium")), Exit.REVERTED),
        (
            over("Succeeded", "UPDATE_ROLLBACK_COMPLETE", cluster=at_rest("hsm1.medium"), change=TURNED_BACK),
            Exit.REVERTED,
        ),
        (
            over("Succeeded", "UPDATE_ROLLBACK_COMPLETE", cluster=at_rest("hsm1.medium"), change=None),
            Exit.FAILED,
        ),
        (
            over(
                "Succeeded",
                "UPDATE_ROLLBACK_COMPLETE",
                cluster=at_rest("hsm1.medium"),
                change=replace(CHANGE, at=T0 - HOUR),
            ),
            Exit.FAILED,
        ),
        (over("Reverted"), Exit.REVERTED),
        (over("NotStabilized"), Exit.FAILED),
        (over("WontFit", "UPDATE_ROLLBACK_COMPLETE", change=None), Exit.FAILED),
    ],
)
def test_how_it_ended(shown, code):
    assert shown.ended is not None
    assert shown.ended.code is code


def test_the_reason_of_a_failure_is_the_resources_own():
    shown = over("Succeeded", "UPDATE_ROLLBACK_COMPLETE", cluster=at_rest("hsm1.medium"))
    assert words.ending(shown) == (
        "REVERTED   UPDATE_ROLLBACK_COMPLETE, with the former type: Settings: CloudHSM reverted it"
    )


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"stack": begun("UPDATE_COMPLETE")},
        {"record": record(ended=True, outcome="Succeeded")},
        {"record": None, "stack": None},
    ],
)
def test_it_goes_on_as_long_as_the_stack_the_operation_or_a_cluster_without_either(members):
    assert at(10, **members).ended is None


def test_an_operation_that_the_provider_never_ended_is_a_failure():
    shown = at(13 * 60, stack=begun("UPDATE_COMPLETE"))
    assert shown.ended is not None
    assert shown.ended.code is Exit.FAILED


@pytest.mark.parametrize(
    ("states", "code"),
    [(["MODIFY_IN_PROGRESS"], Exit.DONE), (["MODIFY_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"], Exit.REVERTED)],
)
def test_a_cluster_alone_tells_its_end_by_what_was_seen(states, code):
    sightings = tuple(Sighting(T0 + n, state, {}) for n, state in enumerate(states))
    shown = at(10, record=None, stack=None, cluster=at_rest("hsm1.medium"), sightings=sightings)
    assert shown.ended is not None
    assert shown.ended.code is code


# What a person sees -------------------------------------------------------------------------------------


def test_a_state_is_one_line():
    assert line_of(at(63, sightings=seen(29, 60))) == (
        "09:03Z   vault/Settings   Update   UPDATE_IN_PROGRESS   since 07:59Z, 1 h 03 min   "
        "stack until 09:00Z   MODIFY_IN_PROGRESS   [hsm2m done 29 min] [hsm2m done 31 min] "
        "[hsm1 ..... 3 min]   2 of 3, end about 09:30Z (+- 5 min)   polled 22 s ago: Wait"
    )


def test_each_of_two_resources_has_its_lines_and_its_heartbeat():
    out = io.StringIO()
    lines = Lines(Output(out, io.StringIO()))
    for minute in (10, 10.5, 11):
        lines.show([at(minute), at(minute, logical_id="Other")])
    shown = [line.split("   ")[1] for line in out.getvalue().splitlines() if "MODIFY_IN_PROGRESS" in line]
    assert shown == ["vault/Settings", "vault/Other"] * 2


def test_the_deadline_is_the_wait_conditions_once_the_stack_has_its_response():
    shown = at(63, record=record(response=Response("SUCCESS", "", "id")))
    assert (shown.deadline, shown.deadline_of) == (T0 + 12 * HOUR, "wait condition")


def test_a_screen_has_everything():
    text = "\n".join(line.plain for line in drawn(at(10, record=record("Revert"), unknown=("x is denied.",))))
    for part in ("vault/Settings", "polled 22 s ago", "way back to hsm1.medium", "cancel now:", "cancel-update-stack"):
        assert part in text
    assert "not known: x is denied." in text


def test_no_url_is_ever_shown():
    failed = StackEvent(T0, "Settings", "x", "UPDATE_FAILED", without_urls(f"see {SECRET} for more"))
    shown = at(10, stack=begun("UPDATE_IN_PROGRESS", failed), unknown=(SECRET,))
    text = str(shown.to_json()) + line_of(shown) + "\n".join(line.plain for line in drawn(shown))
    assert "secret" not in text
    assert "see (URL) for more" in text


def test_json_is_the_whole_state_in_readable_times():
    document = at(10).to_json()
    assert document["now"] == "2027-01-15T08:10:00Z"
    assert document["way_back"]["until"] == "2027-01-16T08:00:00Z"
    assert document["hsms"]["bars"][0] == {
        "hsm_type": "hsm1.medium",
        "done": False,
        "seconds": 600.0,
        "state": "ACTIVE",
    }
