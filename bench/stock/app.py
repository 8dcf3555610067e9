"""Custom::CloudHSMClusterSettings as the documentation of crhelper and Powertools would have it."""

from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from crhelper import CfnResource

logger = Logger(service="cloudhsm-settings")
tracer = Tracer(service="cloudhsm-settings")
metrics = Metrics(namespace="CloudHSMSettings", service="cloudhsm-settings")
helper = CfnResource(
    json_logging=True,
    log_level="INFO",
    boto_level="CRITICAL",
    polling_interval=1,  # minutes: the shortest there is, twice as fast as its default
)
cloudhsm = boto3.client("cloudhsmv2")


def describe(cluster_id: str) -> dict[str, Any]:
    """The cluster, which must exist."""
    clusters: list[dict[str, Any]] = cloudhsm.describe_clusters(Filters={"clusterIds": [cluster_id]})["Clusters"]
    if not clusters:
        raise ValueError(f"{cluster_id} does not exist")
    return clusters[0]


def differences(properties: dict[str, Any], cluster: dict[str, Any]) -> dict[str, Any]:
    """What ModifyCluster has to change."""
    changes: dict[str, Any] = {}
    policy = properties.get("BackupRetentionPolicy")
    if policy and policy != cluster.get("BackupRetentionPolicy"):
        changes["BackupRetentionPolicy"] = policy
    if properties.get("HsmType") and properties["HsmType"] != cluster["HsmType"]:
        changes["HsmType"] = properties["HsmType"]
    return changes


@helper.create
@helper.update
def change(event: dict[str, Any], _: LambdaContext) -> None:
    """Asks CloudHSM for what differs."""
    cluster = describe(event["ResourceProperties"]["ClusterId"])
    if changes := differences(event["ResourceProperties"], cluster):
        cloudhsm.modify_cluster(ClusterId=cluster["ClusterId"], **changes)
        metrics.add_metric(name="ModifyCluster", unit=MetricUnit.Count, value=1)


@helper.poll_create
@helper.poll_update
def poll(event: dict[str, Any], _: LambdaContext) -> str | None:
    """The cluster id once it is ACTIVE again."""
    cluster = describe(event["ResourceProperties"]["ClusterId"])
    logger.info("polled", extra={"State": cluster["State"]})
    if cluster["State"] != "ACTIVE":
        return None
    helper.Data.update({"HsmType": cluster["HsmType"], "State": cluster["State"]})
    return str(cluster["ClusterId"])


@helper.delete
def leave(_: dict[str, Any], __: LambdaContext) -> None:
    """Leaves the cluster as it is."""


@metrics.log_metrics
@tracer.capture_lambda_handler
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """The entry point."""
    helper(event, context)
