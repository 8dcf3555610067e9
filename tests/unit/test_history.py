"""What a resource remembers: whose change a rollback undoes, and what a read that lags must have been."""

from dataclasses import replace

import pytest

from cloudhsm_settings.declared import digest_of
from cloudhsm_settings.history import LAG, Memory, RetentionChange
from tests.unit.cases import ID, NEW, NOW, OLD, OTHER_ID, cluster, ours

BEFORE, AFTER = {"ClusterId": ID, "HsmType": OLD}, {"ClusterId": ID, "HsmType": NEW}
CHANGE = ours(60, request_id="r1", before=digest_of(BEFORE), after=digest_of(AFTER))


class TestWhoseChangeIsUndone:
    def test_that_of_the_update_whose_properties_are_swapped(self):
        assert CHANGE.seen_by(BEFORE, AFTER, "r2").is_last

    def test_that_of_the_request_itself(self):
        assert CHANGE.seen_by(AFTER, BEFORE, "r1").is_last

    def test_but_not_by_an_update_which_takes_itself_for_a_rollback(self):
        assert CHANGE.is_way_forward_of("r1")
        assert not CHANGE.is_way_forward_of("r2")

    def test_and_by_a_rollback_that_is_tried_again(self):
        assert not replace(CHANGE, undoes=True).is_way_forward_of("r1")

    @pytest.mark.parametrize(
        ("properties", "old"),
        [
            (AFTER, AFTER),
            (AFTER, BEFORE),
            ({**BEFORE, "HsmTypeOnRollback": "Revert"}, AFTER),
            (BEFORE, {**AFTER, "X": 1}),
        ],
    )
    def test_not_that_of_an_update_before(self, properties, old):
        assert not CHANGE.seen_by(properties, old, "r2").is_last

    def test_what_was_not_the_last_is_never_again(self):
        assert not replace(CHANGE, is_last=False).seen_by(BEFORE, AFTER, "r2").is_last

    def test_a_handle_makes_no_difference(self):
        handle = {"WaitConditionHandle": "https://secret"}
        assert CHANGE.seen_by({**BEFORE, **handle}, AFTER, "r2").is_last


class TestReadsThatLag:
    MEMORY = Memory(CHANGE, RetentionChange(ID, 30, NOW - 60, previous=90, answered=True))

    def test_a_change_of_type_shows_at_once(self):
        seen = Memory(CHANGE).corrected(cluster(), NOW)
        assert (seen.hsm_type, seen.state) == (NEW, "MODIFY_IN_PROGRESS")

    def test_so_does_the_retention(self):
        assert self.MEMORY.corrected(cluster(hsm_type=NEW), NOW).retention_days == 30

    @pytest.mark.parametrize(
        "change", [replace(CHANGE, answered=False), replace(CHANGE, at=NOW - LAG), ours(60, cluster_id=OTHER_ID)]
    )
    def test_nothing_is_corrected_that_is_not_known(self, change):
        assert Memory(change).corrected(cluster(), NOW) == cluster()

    def test_nor_a_retention_that_nobody_took(self):
        asked = replace(self.MEMORY.retention_change, answered=False)
        assert Memory(retention_change=asked).corrected(cluster(hsm_type=NEW), NOW).retention_days == 90

    def test_nor_after_two_minutes(self):
        assert self.MEMORY.corrected(cluster(hsm_type=NEW), NOW + LAG).retention_days == 90


@pytest.mark.parametrize("memory", [Memory(), TestReadsThatLag.MEMORY])
def test_it_survives_the_record(memory):
    assert Memory.from_json(memory.to_json()) == memory


def test_another_versions_is_read_as_far_as_it_can_be():
    assert Memory.from_json({"type_change": {"from": 1}, "later": {}}) == Memory()
