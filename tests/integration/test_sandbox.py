"""The local CloudHSM itself."""

import boto3

from sandbox.cloudhsm import CloudHsmServer


def clusters_of(server: CloudHsmServer) -> list[str]:
    client = boto3.client("cloudhsmv2", endpoint_url=server.endpoint)
    return [cluster["ClusterId"] for cluster in client.describe_clusters()["Clusters"]]


def test_two_servers_of_one_process_serve_a_fleet_each():
    with CloudHsmServer() as one, CloudHsmServer() as other:
        first, second = one.fleet.seed().cluster_id, other.fleet.seed().cluster_id
        assert clusters_of(one) == [first]
        assert clusters_of(other) == [second]
        assert clusters_of(one) == [first]
