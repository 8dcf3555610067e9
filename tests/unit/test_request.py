"""What a request is, as the record and the memory tell it."""

import json
from typing import Any

import pytest

from cloudhsm_settings.custom_resource.record import Record, Response
from cloudhsm_settings.history import Memory
from cloudhsm_settings.properties import Settings
from cloudhsm_settings.request import Former, Progress, Request, StackPhase
from tests.unit.cases import HANDLE, ID, NEW, NOW, OLD, OTHER_ID, ours, set_by_us

SETTINGS = Settings(ID, hsm_type=NEW)
DAYS = {"BackupRetentionPolicy": {"Type": "DAYS", "Value": "30"}}


def recorded(**more: Any) -> Record:
    known = {"request_type": "Update", "physical_resource_id": ID, "signed_at": NOW, "deadline": NOW + 3585}
    return Record("stack", "Vault", "r2", **{**known, "handle_deadline": NOW + 43185, **more})


def made(
    record: Record, *, memory: Memory | None = None, progress: Progress | None = None, now: float = NOW
) -> Request:
    return Request.of(
        record,
        SETTINGS,
        progress or Progress(),
        memory or Memory(),
        now=now,
        account="111122223333",
        region="us-east-1",
    )


class TestFormer:
    def test_is_what_the_old_properties_say(self):
        old = {"ClusterId": ID, "HsmType": OLD, "HsmTypeOnRollback": "Revert", "WaitConditionHandle": HANDLE, **DAYS}
        assert Former.read(old, ID) == Former(ID, OLD, 30, "Revert", HANDLE)

    def test_of_another_cluster_is_a_replacement(self):
        assert Former.read({"ClusterId": OTHER_ID, "HsmType": OLD}, ID) == Former("", OLD)

    def test_of_no_cluster_is_one_too(self):
        assert Former.read({}, "") == Former()

    @pytest.mark.parametrize("name", ["HsmType", "HsmTypeOnRollback", "WaitConditionHandle"])
    def test_may_be_anything(self, name):
        assert Former.read({"ClusterId": ID, name: ["?"]}, ID) == Former(ID)

    @pytest.mark.parametrize("said", ["Keep", "revert", ""])
    def test_keeps_unless_it_says_revert(self, said):
        assert Former.read({"ClusterId": ID, "HsmTypeOnRollback": said}, ID).on_rollback == "Keep"


class TestWhatIsMade:
    def test_names_what_a_reason_names(self):
        request = made(recorded())
        assert (request.settings, request.logical_resource_id) == (SETTINGS, "Vault")
        assert (request.account, request.region) == ("111122223333", "us-east-1")
        assert (request.deadline, request.handle_deadline) == (NOW + 3585, NOW + 43185)

    def test_an_update_follows_on_its_old_properties(self):
        old = {"ClusterId": ID, "HsmType": OLD}
        update = recorded(old_properties=old, existing_id=ID)
        assert made(update).former == Former(ID, OLD)
        assert made(recorded(request_type="Create", old_properties=old)).former is None

    def test_knows_what_this_resource_has_changed(self):
        memory = Memory(ours(request_id="r1"), set_by_us(request_id="r1"))
        request = made(recorded(), memory=memory)
        assert (request.change, request.retention_change) == (memory.type_change, memory.retention_change)
        assert (made(recorded()).change, made(recorded()).retention_change) == (None, None)

    def test_has_nothing_to_undo_in_its_own_way_forward(self):
        memory = Memory(ours(request_id="r2"), set_by_us(request_id="r2"))
        request = made(recorded(), memory=memory)
        assert (request.change, request.retention_change) == (None, None)

    def test_has_its_own_way_back_to_go_on_with(self):
        memory = Memory(ours(request_id="r2", undoes=True), set_by_us(request_id="r2", undoes=True))
        request = made(recorded(), memory=memory)
        assert (request.change, request.retention_change) == (memory.type_change, memory.retention_change)

    def test_goes_the_way_that_was_read_at_first(self):
        progress = Progress(direction=StackPhase.ROLLING_BACK)
        assert made(recorded(), progress=progress).direction is StackPhase.ROLLING_BACK
        assert made(recorded(), progress=progress).phase is StackPhase.UNREAD

    @pytest.mark.parametrize(("age", "scheduled", "fresh"), [(5, False, True), (6, False, False), (5, True, False)])
    def test_is_fresh_for_five_seconds_unless_polled(self, age, scheduled, fresh):
        assert made(recorded(scheduled=scheduled), now=NOW + age).is_fresh is fresh

    @pytest.mark.parametrize("scheduled", [True, False])
    def test_may_be_overtaken_until_the_first_poll(self, scheduled):
        assert made(recorded(scheduled=scheduled)).may_be_overtaken is (not scheduled)

    @pytest.mark.parametrize(
        ("late", "known", "unheard"),
        [
            (1, {}, True),
            (0, {}, False),
            (1, {"response_paid": True}, False),
            (1, {"ended": True}, False),
            (1, {"response": None}, False),
        ],
    )
    def test_is_unheard_where_its_response_did_not_arrive_in_time(self, late, known, unheard):
        record = recorded(**{"response": Response("SUCCESS", "", ID), **known})
        request = made(record, now=NOW + 3585 + late)
        assert (request.is_unheard, request.accepted) == (unheard, record.accepted)


class TestProgress:
    def test_is_read_as_it_was_written(self):
        progress = Progress(hsm_type_asked_at=NOW, direction=StackPhase.ROLLING_BACK, unreadable=2)
        assert Progress.from_json(progress.to_json()) == progress
        again = Progress.from_json(json.loads(json.dumps(progress.to_json())))
        assert (again, type(again.direction)) == (progress, StackPhase)

    def test_ignores_what_another_version_has_written(self):
        assert Progress.from_json({"unknown": 1}) == Progress()
