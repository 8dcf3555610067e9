"""The table and its twin in memory: the same conditions, tried on both."""

from dataclasses import replace

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from cloudhsm_settings.custom_resource.errors import AccessDenied, Superseded, Transient
from cloudhsm_settings.custom_resource.event import Key
from cloudhsm_settings.custom_resource.memory import MemoryStore
from cloudhsm_settings.custom_resource.record import Record, Signal
from cloudhsm_settings.custom_resource.store import DynamoDbStore, Refused
from sandbox.table import make_table
from tests.unit.cases import ID, NOW, OTHER_ID

KEY = Key("stack", "Settings")


def record(request_id: str = "r1", **more) -> Record:
    known = {"physical_resource_id": ID, "signed_at": NOW, "response_url": "https://x", "declared": {"HsmType": "h"}}
    return Record(KEY.stack_id, KEY.logical_resource_id, request_id, **{**known, **more})


@pytest.fixture(params=["table", "memory"])
def store(request):
    if request.param == "memory":
        yield MemoryStore()
        return
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        yield DynamoDbStore(lambda: client, make_table(client))


def claimed(store, request_id="r1", **more):
    return store.claim(record(request_id, **more), NOW, only_same_id=False)


def settled(store, request_id="r1", **more):
    before = claimed(store, request_id)
    return store.write(before, replace(before, **{"ended": True, "settled": True, **more}))


def spoil(store, member="Progress"):
    """Another version writes a member as this one cannot read it."""
    if isinstance(store, MemoryStore):
        store.items[KEY][member] = {"B": b"encrypted"}
        return
    key = {"StackId": {"S": KEY.stack_id}, "LogicalResourceId": {"S": KEY.logical_resource_id}}
    update = {"UpdateExpression": "SET #m = :m", "ExpressionAttributeNames": {"#m": member}}
    values = {":m": {"B": b"encrypted"}}
    store.client().update_item(TableName=store.table, Key=key, ExpressionAttributeValues=values, **update)


def test_what_could_not_be_read_does_not_stay(store):
    claimed(store)
    spoil(store)
    before = store.read(KEY)
    assert not before.readable
    store.write(before, replace(before, request_id="r2"))
    assert store.read(KEY).readable


class TestClaim:
    def test_of_a_resource_that_is_not_known_succeeds(self, store):
        mine = claimed(store)
        assert (mine.fence, mine.recent) == (1, ("r1",))
        assert store.read(KEY) == mine

    def test_of_a_settled_record_keeps_fence_and_memory(self, store):
        before = settled(store, memory={"a": 1})
        mine = claimed(store, "r2")
        assert (mine.fence, mine.recent, mine.memory) == (before.fence + 1, ("r1", "r2"), {"a": 1})
        assert replace(store.read(KEY), follows_on=mine.follows_on) == mine

    def test_leaves_nothing_of_the_former_operation(self, store):
        settled(store, progress={"asked": 1}, response_paid=True, outcome="Succeeded", expires_at=5, scheduled=True)
        mine = claimed(store, "r2")
        assert (mine.progress, mine.response_paid, mine.outcome, mine.expires_at) == ({}, False, "", None)
        assert (mine.ended, mine.settled, mine.scheduled) == (False, False, False)
        assert replace(store.read(KEY), follows_on=mine.follows_on) == mine

    def test_of_an_update_passes_over_its_predecessor_alone(self, store):
        settled(store, properties={"HsmType": "b"})
        with pytest.raises(Refused):
            claimed(store, "r2", request_type="Update", old_properties={"HsmType": "a"})
        assert claimed(store, "r2", request_type="Update", old_properties={"HsmType": "b"}).follows_on

    def test_of_a_record_in_flight_is_refused_and_shows_it(self, store):
        before = claimed(store)
        with pytest.raises(Refused) as refused:
            claimed(store, "r2")
        assert refused.value.current == before

    def test_of_a_record_that_owes_a_signal_is_refused(self, store):
        settled(store, settled=False, signals=(Signal("https://h", "FAILURE", "why", ID),))
        with pytest.raises(Refused):
            claimed(store, "r2")

    def test_of_its_own_record_is_refused(self, store):
        settled(store)
        with pytest.raises(Refused):
            claimed(store)

    def test_of_its_own_record_is_refused_whatever_else_it_remembers(self, store):
        settled(store, recent=())
        with pytest.raises(Refused):
            claimed(store)

    def test_of_a_request_that_was_here_before_is_refused(self, store):
        settled(store)
        second = claimed(store, "r2")
        store.write(second, replace(second, ended=True, settled=True))
        with pytest.raises(Refused):
            claimed(store)

    @pytest.mark.parametrize(("latest", "is_taken"), [(NOW, True), (NOW - 1, False)])
    def test_of_a_record_that_was_signed_later_is_refused(self, store, latest, is_taken):
        settled(store)
        if is_taken:
            store.claim(record("r2"), latest, only_same_id=False)
        else:
            with pytest.raises(Refused):
                store.claim(record("r2"), latest, only_same_id=False)

    def test_for_a_delete_of_another_cluster_is_refused(self, store):
        settled(store)
        with pytest.raises(Refused):
            store.claim(record("r2", physical_resource_id=OTHER_ID), NOW, only_same_id=True)
        assert store.claim(record("r2"), NOW, only_same_id=True).request_id == "r2"

    def test_of_another_resource_is_none_of_its_business(self, store):
        claimed(store)
        other = replace(record("r2"), logical_resource_id="Other")
        assert store.claim(other, NOW, only_same_id=False).fence == 1


class TestWrite:
    def test_raises_the_fence(self, store):
        before = claimed(store)
        after = store.write(before, replace(before, progress={"a": 1}))
        assert (after.fence, after.progress) == (before.fence + 1, {"a": 1})
        assert store.read(KEY) == after

    def test_demands_the_fence_that_was_read(self, store):
        before = claimed(store)
        store.write(before, replace(before, progress={"a": 1}))
        with pytest.raises(Superseded):
            store.write(before, replace(before, progress={"b": 1}))
        assert store.read(KEY).progress == {"a": 1}

    def test_demands_that_there_is_a_record(self, store):
        with pytest.raises(Superseded):
            store.write(record(fence=3), record(fence=3, progress={"a": 1}))

    def test_takes_members_away(self, store):
        before = settled(store, expires_at=5)
        after = store.write(before, replace(before, expires_at=None))
        assert store.read(KEY) == after


def test_what_is_not_there_is_none(store):
    assert store.read(KEY) is None


def test_other_owners_of_a_cluster_are_found(store):
    claimed(store)
    other = replace(record("r2"), stack_id="other")
    store.claim(other, NOW, only_same_id=False)
    store.claim(replace(other, stack_id="third", physical_resource_id=OTHER_ID), NOW, only_same_id=False)
    declared = {"StackId": "other", "LogicalResourceId": "Settings", "Declared": {"HsmType": "h"}}
    assert store.others(record()) == [declared]


class Once:
    """A client whose next answer is lost after the call took effect, which botocore then repeats."""

    def __init__(self, client):
        self.client = client

    def update_item(self, **members):
        self.client.update_item(**members)
        return self.client.update_item(**members)

    def __getattr__(self, name):
        return getattr(self.client, name)


class TestRepeatedCalls:
    @pytest.fixture
    def store(self):
        with mock_aws():
            client = boto3.client("dynamodb", region_name="us-east-1")
            yield DynamoDbStore(lambda: Once(client), make_table(client))

    def test_a_write_that_took_effect_unseen_is_not_ones_own_rival(self, store):
        before = store.claim(record(), NOW, only_same_id=False)
        after = store.write(before, replace(before, progress={"a": 1}))
        assert after.fence == store.read(KEY).fence

    def test_nor_is_a_claim(self, store):
        assert store.claim(record(), NOW, only_same_id=False) == store.read(KEY)


class TestTrouble:
    def refusing(self, code):
        class Client:
            def __getattr__(self, name):
                def call(**_):
                    raise ClientError({"Error": {"Code": code, "Message": "quotes https://secret"}}, name)

                return call

        return DynamoDbStore(Client, "t")

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("AccessDeniedException", AccessDenied),
            ("ProvisionedThroughputExceededException", Transient),
            ("ResourceNotFoundException", Transient),
            ("ValidationException", Transient),
        ],
    )
    def test_is_told_without_what_aws_quotes(self, code, kind):
        store = self.refusing(code)
        for call in (
            lambda: store.read(KEY),
            lambda: store.claim(record(), NOW, only_same_id=False),
            lambda: store.write(record(), record("r2")),
            lambda: store.others(record()),
        ):
            with pytest.raises(kind) as caught:
                call()
            assert "dynamodb:" in str(caught.value)
            assert "secret" not in str(caught.value)

    def test_reads_are_consistent(self):
        asked = []

        class Client:
            def get_item(self, **members):
                asked.append(members["ConsistentRead"])
                return {}

        assert DynamoDbStore(Client, "t").read(KEY) is None
        assert asked == [True]
