"""Reads what a plan needs to know besides its intent."""

from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.identity import declared_cluster
from cloudhsm_settings_cli.aws import Aws, Refused, Unread
from cloudhsm_settings_cli.deployed import deployed, service_tokens
from cloudhsm_settings_cli.plan.intent import Intent, Native
from cloudhsm_settings_cli.plan.intents import native
from cloudhsm_settings_cli.plan.observed import Backup, Observed
from cloudhsm_settings_cli.records import Records
from cloudhsm_settings_cli.side import Side
from cloudhsm_settings_cli.stack import read_stack, surroundings
from cloudhsm_settings_cli.template import NATIVE_TYPE


def read_cluster(aws: Aws, cluster_id: str) -> Cluster | None:
    """The cluster, or None when there is none; raises Unread, because without it there is no plan."""
    if not cluster_id:
        return None
    answer = aws.read("cloudhsm:DescribeClusters", cluster_id, Filters={"clusterIds": [cluster_id]})
    clusters = [Cluster.from_api(each) for each in answer.get("Clusters") or ()]
    return next((each for each in clusters if each.cluster_id == cluster_id), None)


def tables(aws: Aws, service_token: str = "") -> tuple[Records, ...]:
    """The record's table behind a ServiceToken, or those of every provider that exports one."""
    tokens = (service_token,) if service_token else service_tokens(aws)
    found = [deployed(aws, each) for each in dict.fromkeys(tokens)]
    return tuple(Records(aws, each.table) for each in found if each is not None and each.table)


def observe(aws: Aws, intent: Intent, now: float) -> Observed:
    """The cluster, and what the provider's record knows of it."""
    cluster_id = declared_cluster(intent.properties) or declared_cluster(intent.old_properties) or intent.existing_id
    records = tables(aws, str(intent.properties.get("ServiceToken") or ""))
    found = [record for each in records for record in each.of_cluster(cluster_id)] if cluster_id else []
    own = next((each for each in found if _is_own(each, intent)), None)
    for each in records if own is None and intent.stack_id else ():
        own = own or each.of(intent.stack_id, intent.logical_resource_id)
    unread = not records or any(gap.permission.startswith("dynamodb:") for gap in aws.gaps)
    return Observed(
        now=now,
        region=aws.region,
        account=_account(aws, intent),
        cluster=read_cluster(aws, cluster_id),
        record=own,
        others=None if unread else tuple(each for each in found if not _is_own(each, intent)),
    )


def backups_of(aws: Aws, cluster_id: str) -> tuple[Backup, ...] | None:
    """The backups of a cluster."""
    found = aws.ask("cloudhsm:DescribeBackups", f"backups of {cluster_id}", Filters={"clusterIds": [cluster_id]})
    return None if found is None else tuple(map(Backup.from_api, found))


def key_stores_of(aws: Aws, cluster_id: str) -> tuple[str, ...] | None:
    """Names of the KMS custom key stores that use a cluster."""
    found = aws.ask("kms:DescribeCustomKeyStores", "custom key stores")
    if found is None:
        return None
    return tuple(str(each.get("CustomKeyStoreName")) for each in found if each.get("CloudHsmClusterId") == cluster_id)


def natives_of(aws: Aws, observed: Observed, own: tuple[Native, ...]) -> tuple[Native, ...] | None:
    """The resources of CloudFormation's own type that own the cluster: in the same stack, or in another one."""
    cluster = observed.cluster
    here = tuple(each for each in own if cluster and each.cluster_id == cluster.cluster_id)
    if cluster is None or here:
        return here
    arn = f"arn:{aws.partition}:cloudhsm:{observed.region}:{observed.account}:cluster/{cluster.cluster_id}"
    try:
        found = aws.read("cloudformation:DescribeStackResources", f"the stack of {arn}", PhysicalResourceId=arn)
    except Refused:
        # The answer for what no stack has made.
        return ()
    except Unread as unread:
        aws.miss(unread)
        return None
    owning = [each for each in found.get("StackResources") or () if each.get("PhysicalResourceId") == arn]
    return tuple(_declared_in(aws, str(each["StackName"]), str(each["LogicalResourceId"])) for each in owning)


def _declared_in(aws: Aws, stack_name: str, logical_id: str) -> Native:
    stack = read_stack(aws, stack_name)
    side = Side(stack.template, surroundings(aws, stack, stack.parameters))
    declared = side.properties(logical_id) if logical_id in side.of_type(NATIVE_TYPE) else {}
    return native(stack, logical_id, declared)


def _is_own(record: Record, intent: Intent) -> bool:
    return (record.stack_id, record.logical_resource_id) == (intent.stack_id, intent.logical_resource_id)


def _account(aws: Aws, intent: Intent) -> str:
    parts = intent.stack_id.split(":")
    if len(parts) > 4:
        return parts[4]
    return str((aws.ask("sts:GetCallerIdentity", "the account") or {}).get("Account") or "")
