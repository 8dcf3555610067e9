"""Which of two requests for a resource is the newer one: signatures tell, and the chain of properties where they cannot."""

import pytest

from cloudhsm_settings.custom_resource.order import CLOCK_SKEW, Standing, follows, standing, surely_newer_than
from cloudhsm_settings.custom_resource.record import Record
from tests.unit.cases import ID, NOW

A, B, C = {"HsmType": "a"}, {"HsmType": "b"}, {"HsmType": "c"}


def record(name="r1", at=NOW, kind="Update", now=B, was=A, **more):
    known = {"request_type": kind, "signed_at": at, "properties": now, "old_properties": was}
    return Record("stack", "Settings", name, physical_resource_id=ID, **{**known, **more})


def fresh(name="r2", **more):
    return record(name, **more)


def test_the_same_id_is_the_same_request():
    assert standing(record(), fresh("r1", at=NOW - 500)) is Standing.SAME


def test_a_name_that_is_known_is_older_whatever_its_signature():
    assert standing(record(recent=("r0", "r2", "r1")), fresh(at=NOW + 100)) is Standing.OLDER


class TestSignatures:
    def test_one_beyond_the_difference_of_clocks_decides(self):
        assert standing(record(), fresh(at=NOW + CLOCK_SKEW + 1, now=A, was=C)) is Standing.NEWER
        assert standing(record(), fresh(at=NOW - CLOCK_SKEW - 1, now=C, was=B)) is Standing.OLDER

    def test_a_claim_takes_what_is_surely_older_without_reading_it(self):
        assert surely_newer_than(fresh()) == NOW - CLOCK_SKEW

    @pytest.mark.parametrize(("after", "expected"), [(1, Standing.NEWER), (-1, Standing.OLDER)])
    def test_they_decide_where_no_chain_does(self, after, expected):
        assert standing(record(), fresh(at=NOW + after, now=C, was={"other": 1})) is expected


class TestChain:
    @pytest.mark.parametrize(
        ("skew", "expected"), [(-30, Standing.DOUBTFUL), (0, Standing.NEWER), (30, Standing.NEWER)]
    )
    def test_what_follows_on_the_record_is_newer_where_the_signatures_agree(self, skew, expected):
        assert standing(record(), fresh(at=NOW + skew, now=C, was=B)) is expected

    @pytest.mark.parametrize("skew", [-30, 0, 30])
    def test_what_the_record_follows_on_is_older(self, skew):
        assert standing(record(), fresh(at=NOW + skew, now=A, was=C)) is Standing.OLDER

    @pytest.mark.parametrize("skew", [-30, 0, 30])
    def test_a_rollback_is_newer_than_the_update_that_it_undoes(self, skew):
        assert standing(record(follows_on=True), fresh(at=NOW + skew, now=A, was=B)) is Standing.NEWER

    @pytest.mark.parametrize(("skew", "expected"), [(-30, Standing.OLDER), (0, Standing.NEWER), (30, Standing.NEWER)])
    def test_an_update_that_comes_after_its_own_rollback_is_older_where_the_signatures_agree(self, skew, expected):
        assert standing(record(follows_on=False), fresh(at=NOW + skew, now=A, was=B)) is expected

    @pytest.mark.parametrize(
        ("skew", "expected"), [(-30, Standing.DOUBTFUL), (0, Standing.NEWER), (30, Standing.NEWER)]
    )
    def test_an_end_loses_nothing_to_a_request_that_its_stack_may_wait_for(self, skew, expected):
        ended = record(follows_on=False, ended=True)
        assert standing(ended, fresh(at=NOW + skew, now=A, was=B)) is expected

    @pytest.mark.parametrize("told", [{"ended": True}, {"ended": True, "scheduled": True, "response_paid": True}])
    @pytest.mark.parametrize("kind", ["Create", "Update"])
    def test_an_update_whose_predecessor_is_missing_may_follow_on_what_has_ended(self, kind, told):
        assert standing(record(kind=kind, **told), fresh(at=NOW - 30, now=C, was={"other": 1})) is Standing.DOUBTFUL
        assert standing(record(kind=kind, **told), fresh(at=NOW + 30, now=C, was={"other": 1})) is Standing.NEWER

    @pytest.mark.parametrize(("kind", "expected"), [("Create", Standing.DOUBTFUL), ("Update", Standing.OLDER)])
    def test_of_what_goes_on_it_follows_on_a_create_alone(self, kind, expected):
        accepted = record(kind=kind, scheduled=True, response_paid=True)
        assert standing(accepted, fresh(at=NOW - 30, now=C, was={"other": 1})) is expected

    @pytest.mark.parametrize("untold", [{"ended": True, "scheduled": True}, {}])
    @pytest.mark.parametrize("kind", ["Create", "Update"])
    def test_it_does_not_follow_on_what_was_not_told(self, kind, untold):
        assert standing(record(kind=kind, **untold), fresh(at=NOW - 30, now=C, was={"other": 1})) is Standing.OLDER
        assert standing(record(kind=kind, **untold), fresh(at=NOW + 30, now=C, was={"other": 1})) is Standing.NEWER

    def test_no_create_follows_on_an_update(self):
        assert standing(record(ended=True), fresh(kind="Create", at=NOW - 30, now=C)) is Standing.OLDER

    def test_only_an_update_follows_on_anything(self):
        assert follows(fresh(now=C, was=B), record())
        assert not follows(fresh(kind="Create", was=B), record())
        assert not follows(fresh(now=C, was=B), record(kind="Delete"))


class TestDelete:
    @pytest.mark.parametrize("skew", [-30, 0, 30])
    def test_it_is_newer_than_all_within_the_difference_of_clocks(self, skew):
        assert standing(record(kind="Create"), fresh(kind="Delete", at=NOW + skew)) is Standing.NEWER

    @pytest.mark.parametrize("skew", [-30, 0, 30])
    def test_a_create_whose_delete_came_first_is_older(self, skew):
        deleted = record(kind="Delete", follows_on=False)
        assert standing(deleted, fresh(kind="Create", at=NOW + skew)) is Standing.OLDER

    def test_one_that_comes_after_a_whole_life_is_newer(self):
        assert standing(record(kind="Delete"), fresh(kind="Create", at=NOW + 1)) is Standing.NEWER
