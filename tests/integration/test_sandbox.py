"""The local CloudHSM itself, and what a shell needs to reach the local cloud."""

import ssl
import time
from collections.abc import Iterator

import boto3
import pytest

from sandbox.cloudhsm import CloudHsmServer, Fleet
from sandbox.tls import make_certificate


def clusters_of(server: CloudHsmServer) -> list[str]:
    client = boto3.client("cloudhsmv2", endpoint_url=server.endpoint)
    return [cluster["ClusterId"] for cluster in client.describe_clusters()["Clusters"]]


def test_two_servers_of_one_process_serve_a_fleet_each():
    with CloudHsmServer() as one, CloudHsmServer() as other:
        first, second = one.fleet.seed().cluster_id, other.fleet.seed().cluster_id
        assert clusters_of(one) == [first]
        assert clusters_of(other) == [second]
        assert clusters_of(one) == [first]


@pytest.fixture
def server() -> Iterator[CloudHsmServer]:
    with CloudHsmServer() as running:
        yield running


def test_an_hsm_can_be_added_before_a_migration_and_not_during_it(server):
    client = boto3.client("cloudhsmv2", endpoint_url=server.endpoint)
    cluster = server.fleet.seed(hsms=2)
    made = client.create_hsm(ClusterId=cluster.cluster_id, AvailabilityZone="us-east-1c")["Hsm"]
    assert (made["State"], made["AvailabilityZone"], made["HsmType"]) == ("ACTIVE", "us-east-1c", "hsm1.medium")
    assert len(client.describe_clusters()["Clusters"][0]["Hsms"]) == 3
    client.modify_cluster(ClusterId=cluster.cluster_id, HsmType="hsm2m.medium")
    with pytest.raises(client.exceptions.CloudHsmInvalidRequestException, match="MODIFY_IN_PROGRESS"):
        client.create_hsm(ClusterId=cluster.cluster_id, AvailabilityZone="us-east-1c")
    server.fleet.clock.advance(3 * 1800)
    assert client.delete_hsm(ClusterId=cluster.cluster_id, HsmId=made["HsmId"])["HsmId"] == made["HsmId"]
    with pytest.raises(client.exceptions.CloudHsmResourceNotFoundException):
        client.delete_hsm(ClusterId=cluster.cluster_id, HsmId=made["HsmId"])


def test_what_the_local_cloudhsm_lacks_it_says_in_the_services_own_way(server):
    client = boto3.client("cloudhsmv2", endpoint_url=server.endpoint)
    with pytest.raises(client.exceptions.CloudHsmInvalidRequestException, match="has no InitializeCluster"):
        client.initialize_cluster(ClusterId="cluster-abcdefghijk", SignedCert="a", TrustAnchor="b")


def test_a_cluster_that_changes_faster_tells_times_of_the_wall_clock():
    fleet = Fleet(pace=60)
    cluster = fleet.seed(hsms=1)
    before = time.time()
    fleet.modify({"ClusterId": cluster.cluster_id, "HsmType": "hsm2m.medium"})
    day, hsm = 24 * 60, 30
    assert before + day * 60 / 60 <= cluster.rollback_expires_at <= time.time() + day * 60 / 60
    fleet.clock.advance(hsm * 60 / 60)
    assert fleet.cluster(cluster.cluster_id).state == "ACTIVE"


def test_a_shell_that_uses_the_local_cloud_still_trusts_everybody_else(tmp_path, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "company.pem"))
    company = make_certificate(tmp_path)
    company.certificate.rename(tmp_path / "company.pem")
    ours = make_certificate(tmp_path)
    trusted = ssl.create_default_context(cafile=ours.trust_besides()["SSL_CERT_FILE"]).get_ca_certs()
    assert [each["subject"] for each in trusted].count(((("commonName", "localhost"),),)) == 2
    assert len(trusted) > 50
