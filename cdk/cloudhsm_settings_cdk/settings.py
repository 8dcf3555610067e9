"""Custom::CloudHSMClusterSettings as a construct."""

import hashlib
import json
from typing import Any, Protocol

from aws_cdk import CfnResource, CfnWaitCondition, CfnWaitConditionHandle, Duration, RemovalPolicy
from constructs import Construct

from cloudhsm_settings_cdk.attributes import Attributes
from cloudhsm_settings_cdk.limits import HsmTypeOnRollback, refuse, settings_faults
from cloudhsm_settings_cdk.provider import IClusterSettingsProvider

RESOURCE_TYPE = "Custom::CloudHSMClusterSettings"


class ICluster(Protocol):
    """What `aws_cloudhsm.CfnCluster` is here; releases of CDK from before the native type do not have it."""

    @property
    def attr_cluster_id(self) -> str:
        """Id of the cluster."""
        ...


class ClusterSettings(Attributes):
    """Keeps HSM type and backup retention of an existing CloudHSM cluster as declared; `ref` is the cluster's id."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        provider: IClusterSettingsProvider,
        cluster: str | ICluster,
        hsm_type: str | None = None,
        backup_retention: Duration | None = None,
        hsm_type_on_rollback: HsmTypeOnRollback = HsmTypeOnRollback.KEEP,
        long_migration: Duration | None = None,
        service_timeout: Duration | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Raises ValueError with every mistake; tokens pass.

        :param provider: The provider, deployed here or elsewhere.
        :param cluster: Id of the cluster to manage, or the cluster. Another one leaves the former as it is.
        :param hsm_type: Type to change to, such as "hsm2m.medium". Default: never touched.
        :param backup_retention: 7 to 379 days. Default: never touched. One of both has to be given.
        :param hsm_type_on_rollback: What a stack rollback does to a type that the stack changed.
        :param long_migration: How long the stack waits for the migration, at most 12 hours. For clusters with two HSMs
            or more, of which each takes about 30 minutes. Default: as long as `service_timeout`.
        :param service_timeout: How long CloudFormation waits for an answer, at most an hour, at least 5 minutes where a
            change has to be waited for. Default: an hour.
        :param removal_policy: The cluster is left as it is under every one of them. Default: DESTROY.
        """
        cluster_id = cluster if isinstance(cluster, str) else cluster.attr_cluster_id
        refuse(
            f"{scope.node.path}/{id}",
            settings_faults(cluster_id, hsm_type, backup_retention, hsm_type_on_rollback, long_migration),
        )
        properties = {
            "ClusterId": cluster_id,
            "HsmType": hsm_type,
            "BackupRetentionPolicy": backup_retention and {"Type": "DAYS", "Value": backup_retention.to_days()},
            "HsmTypeOnRollback": hsm_type_on_rollback if hsm_type_on_rollback != HsmTypeOnRollback.KEEP else None,
        }
        super().__init__(
            scope,
            id,
            resource_type=RESOURCE_TYPE,
            service_token=provider.service_token,
            service_timeout=service_timeout,
            removal_policy=removal_policy,
            properties={name: value for name, value in properties.items() if value is not None},
        )
        # Its permissions included: they must be there before the first request and until after the last.
        self.node.add_dependency(provider)
        self.wait_condition = self._wait(long_migration, cluster_id, hsm_type) if long_migration is not None else None
        """Holds the stack until the migration is done; None without `long_migration`."""

    def _wait(self, timeout: Duration, *migration: Any) -> CfnWaitCondition:
        """A wait condition waits once and cannot be updated, so every migration has one of its own."""
        seconds = timeout.to_seconds()
        waited = json.dumps([*self.stack.resolve(list(migration)), seconds], separators=(",", ":"))
        name = hashlib.sha256(waited.encode()).hexdigest()[:8]
        handle = CfnWaitConditionHandle(self, f"MigrationHandle{name}")
        resource = self.node.default_child
        assert isinstance(resource, CfnResource)  # noqa: S101  # the type of every custom resource's default child
        resource.add_property_override("WaitConditionHandle", handle.ref)
        condition = CfnWaitCondition(self, f"Migrated{name}", handle=handle.ref, timeout=str(seconds))
        condition.node.add_dependency(resource)
        return condition
