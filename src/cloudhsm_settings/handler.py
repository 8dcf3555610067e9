"""The Lambda entry point: crhelper's wiring and nothing else."""

import time
from typing import Any

from cloudhsm_settings import clients
from cloudhsm_settings.attributes import TRIMMED_FIRST
from cloudhsm_settings.cluster import CloudHsm
from cloudhsm_settings.delivery import put
from cloudhsm_settings.environment import Environment
from cloudhsm_settings.observability import logger, metrics
from cloudhsm_settings.properties import is_cluster_id
from cloudhsm_settings.provider import Provider
from cloudhsm_settings.resource import Event, ScheduledResource
from cloudhsm_settings.schedules import SchedulerSchedules, Schedules
from cloudhsm_settings.signals import signal_handle
from cloudhsm_settings.stack import read_phase

environment = Environment.read()


def physical_id(event: Event) -> str:
    """The ClusterId; a name without randomness where the template has none."""
    declared = (event.get("ResourceProperties") or {}).get("ClusterId")
    if event["RequestType"] != "Delete" and is_cluster_id(declared):
        return str(declared)
    return str(event.get("PhysicalResourceId") or f"{event['LogicalResourceId']}-without-cluster")


def schedules(context: Any) -> Schedules:
    """The record of operations in flight, with looks that come back to this very function."""
    return SchedulerSchedules(
        client=clients.scheduler,
        group=environment.schedule_group,
        role_arn=environment.scheduler_role_arn,
        target_arn=context.invoked_function_arn,
    )


if environment.local:
    # Late: nothing of it is needed in AWS.
    from cloudhsm_settings.local import LocalRun

    local: LocalRun | None = LocalRun()
else:
    local = None
resource = ScheduledResource(
    physical_id=physical_id,
    schedules=local.schedules_of if local else schedules,
    trimmed_first=TRIMMED_FIRST,
    deliver=local.deliver if local else put,
)
provider = Provider(
    resource=resource,
    cloudhsm=lambda: CloudHsm(clients.cloudhsm()),
    read_phase=lambda stack_id: read_phase(clients.cloudformation, stack_id),
    clock=time.time,
    send_signal=local.signal if local else signal_handle,
    handle_hosts=environment.wait_condition_hosts,
)


@resource.create
@resource.update
@resource.poll_create
@resource.poll_update
def look(event: Event, context: Any) -> str | None:
    """A Create, an Update, or a later look of either."""
    return provider.look(event, context)


@resource.delete
def delete(event: Event, context: Any) -> None:
    """Leaves the cluster as it is."""
    provider.leave_alone(event, context)


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: Event, context: Any) -> dict[str, Any] | None:
    """Handles one request of CloudFormation, or one look by Scheduler; returns the answer under `sam local`."""
    resource(event, context)
    return local.finish(resource, context) if local else None
