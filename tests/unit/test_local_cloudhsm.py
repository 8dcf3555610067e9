"""The local CloudHSM shows what AWS may show, and refuses what AWS refuses."""

import pytest
from botocore.exceptions import ClientError

from sandbox.cloudhsm import Clock, CloudHsmError, Fault, Fleet, MigrationOutcome
from sandbox.cloudhsm.client import FleetClient

TO = "hsm2m.medium"


@pytest.fixture
def fleet():
    return Fleet(Clock(source=lambda: 1_800_000_000.0))


def shown(fleet):
    (cluster,) = FleetClient(fleet).describe_clusters()["Clusters"]
    return cluster


def modify(fleet, cluster, **members):
    return FleetClient(fleet).modify_cluster(ClusterId=cluster.cluster_id, **members)


def test_optional_members_can_be_missing(fleet):
    hidden = frozenset({"HsmType", "Hsms.HsmType", "HsmTypeRollbackExpiration", "BackupRetentionPolicy.Type"})
    cluster = fleet.seed(hsms=2, hidden=hidden)
    modify(fleet, cluster, HsmType=TO)
    seen = shown(fleet)
    assert "HsmType" not in seen
    assert "HsmTypeRollbackExpiration" not in seen
    assert seen["BackupRetentionPolicy"] == {"Value": "90"}
    assert [each["EniIp"] for each in seen["Hsms"] if "HsmType" not in each] == ["10.0.0.10", "10.0.1.10"]


def test_nothing_is_missing_unless_it_is_hidden(fleet):
    fleet.seed().migrate(TO, fleet.clock.now())
    assert {"HsmType", "HsmTypeRollbackExpiration"} <= shown(fleet).keys()


@pytest.mark.parametrize(
    ("versions", "kind", "members"),
    [
        ((4,), "IPV4", {"EniIp"}),
        ((4, 6), "DUALSTACK", {"EniIp", "EniIpV6"}),
        ((6,), "DUALSTACK", {"EniIpV6"}),
    ],
)
def test_hsms_have_the_addresses_of_their_cluster(fleet, versions, kind, members):
    fleet.seed(ip_versions=versions)
    seen = shown(fleet)
    assert seen["NetworkType"] == kind
    assert {name for name in seen["Hsms"][0] if name.startswith("EniIp")} == members


def test_a_fault_can_answer_an_empty_list(fleet):
    fleet.seed()
    fleet.faults.append(Fault("DescribeClusters", empty=True, times=2))
    client = FleetClient(fleet)
    assert [len(client.describe_clusters()["Clusters"]) for _ in range(3)] == [0, 0, 1]


@pytest.mark.parametrize("code", ["CloudHsmServiceException", "503", "NobodyHasHeardOfThis"])
def test_a_fault_has_any_code(fleet, code):
    fleet.faults.append(Fault("DescribeClusters", code))
    with pytest.raises(ClientError) as refused:
        FleetClient(fleet).describe_clusters()
    assert refused.value.response["Error"]["Code"] == code


class TestReadsThatLag:
    @pytest.fixture
    def cluster(self, fleet):
        fleet.lag_seconds = 120
        return fleet.seed(hsms=1)

    def test_a_change_is_shown_later(self, fleet, cluster):
        modify(fleet, cluster, HsmType=TO)
        seen = []
        for _ in range(4):
            seen.append(shown(fleet)["State"])
            fleet.clock.advance(50)
        assert seen == ["ACTIVE", "ACTIVE", "ACTIVE", "MODIFY_IN_PROGRESS"]

    def test_so_is_its_end(self, fleet, cluster):
        modify(fleet, cluster, HsmType=TO)
        fleet.clock.advance(30 * 60 + 60)
        assert fleet.cluster(cluster.cluster_id).state == "ACTIVE"
        assert fleet.is_stale(cluster.cluster_id)
        assert shown(fleet)["State"] == "MODIFY_IN_PROGRESS"
        fleet.clock.advance(60)
        assert shown(fleet)["State"] == "ACTIVE"
        assert not fleet.is_stale(cluster.cluster_id)

    def test_so_is_what_somebody_else_does(self, fleet, cluster):
        fleet.cluster(cluster.cluster_id).migrate(TO, fleet.clock.now())
        fleet.clock.advance(119)
        assert shown(fleet)["HsmType"] == "hsm1.medium"
        fleet.clock.advance(2)
        assert shown(fleet)["HsmType"] == TO

    def test_each_change_is_shown_in_its_turn(self, fleet, cluster):
        for days in ("30", "31", "32"):
            modify(fleet, cluster, BackupRetentionPolicy={"Type": "DAYS", "Value": days})
            fleet.clock.advance(60)
        seen = []
        for _ in range(4):
            seen.append(shown(fleet)["BackupRetentionPolicy"]["Value"])
            fleet.clock.advance(30)
        assert seen == ["30", "31", "31", "32"]


def test_a_revert_ends_with_the_message_of_the_cluster(fleet):
    cluster = fleet.seed(hsms=2, outcome=MigrationOutcome.REVERT, revert_message="復元されました 🔑")
    modify(fleet, cluster, HsmType=TO)
    fleet.clock.advance(3 * 3600)
    assert shown(fleet)["StateMessage"] == "復元されました 🔑"


@pytest.mark.parametrize(("reached", "minutes"), [(0, 45), (1, 75), (2, 135)])
def test_it_may_go_back_after_any_number_of_hsms(fleet, reached, minutes):
    cluster = fleet.seed(hsms=3, outcome=MigrationOutcome.REVERT, reverts_after=reached)
    modify(fleet, cluster, HsmType=TO)
    most = 0
    for _ in range(minutes):
        assert fleet.cluster(cluster.cluster_id).state != "ACTIVE"
        most = max(most, sum(hsm.hsm_type == TO for hsm in cluster.hsms))
        fleet.clock.advance(60)
    assert most == reached
    assert fleet.cluster(cluster.cluster_id).state == "ACTIVE"
    assert {hsm.hsm_type for hsm in cluster.hsms} == {"hsm1.medium"}


def test_a_fault_may_be_of_one_cluster(fleet):
    one, other = fleet.seed(), fleet.seed()
    fleet.faults.append(Fault("ModifyCluster", times=2, cluster_id=one.cluster_id))
    fleet.faults.append(Fault("DescribeClusters", cluster_id=one.cluster_id))
    modify(fleet, other, HsmType=TO)
    with pytest.raises(ClientError):
        modify(fleet, one, HsmType=TO)
    assert FleetClient(fleet).describe_clusters(Filters={"clusterIds": [other.cluster_id]})["Clusters"]
    with pytest.raises(ClientError):
        FleetClient(fleet).describe_clusters(Filters={"clusterIds": [one.cluster_id]})


@pytest.mark.parametrize(
    ("state", "members"),
    [
        ("ACTIVE", {}),
        ("DELETED", {"BackupRetentionPolicy": {"Type": "DAYS", "Value": "30"}}),
        ("DELETE_IN_PROGRESS", {"BackupRetentionPolicy": {"Type": "DAYS", "Value": "30"}}),
        ("UPDATE_IN_PROGRESS", {"HsmType": TO}),
        ("DEGRADED", {"HsmType": TO}),
        ("ACTIVE", {"HsmType": "hsm"}),
        ("ACTIVE", {"BackupRetentionPolicy": {"Type": "DAYS", "Value": "6"}}),
    ],
)
def test_what_aws_refuses_changes_nothing(fleet, state, members):
    cluster = fleet.seed(state=state)
    with pytest.raises(ClientError, match="CloudHsmInvalidRequestException"):
        modify(fleet, cluster, **members)
    assert (cluster.state, cluster.hsm_type, cluster.retention["Value"]) == (state, "hsm1.medium", "90")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"HsmType": "hsm1.medium", "Mode": "FIPS"}, "Provided HsmType is not supported."),
        ({"HsmType": "hsm1.medium"}, "Provided HsmType is not supported."),
        ({"HsmType": "hsm2m.medium"}, "Mode is a required argument for this hsm type."),
        ({"HsmType": "hsm2m.medium", "Mode": "fips"}, "fips is not a mode."),
        ({"HsmType": "medium", "Mode": "FIPS"}, "Provided HsmType is not supported."),
    ],
)
def test_what_aws_does_not_create(fleet, members, said):
    with pytest.raises(CloudHsmError, match=said) as refused:
        fleet.create(members)
    assert refused.value.code == "CloudHsmInvalidRequestException"
    assert fleet.clusters == {}


def test_what_aws_creates(fleet):
    created = fleet.create(
        {"HsmType": TO, "Mode": "NON_FIPS", "BackupRetentionPolicy": {"Type": "DAYS", "Value": "30"}}
    )
    assert (created["HsmType"], created["Mode"], created["State"]) == (TO, "NON_FIPS", "UNINITIALIZED")
    assert created["BackupRetentionPolicy"]["Value"] == "30"


@pytest.mark.parametrize(("needs_settled", "days"), [(False, "30"), (True, "90")])
def test_retention_may_have_to_wait_for_a_migration(fleet, needs_settled, days):
    fleet.retention_needs_settled = needs_settled
    cluster = fleet.seed()
    cluster.migrate(TO, fleet.clock.now())
    try:
        modify(fleet, cluster, BackupRetentionPolicy={"Type": "DAYS", "Value": "30"})
    except ClientError:
        assert needs_settled
    assert cluster.retention["Value"] == days
