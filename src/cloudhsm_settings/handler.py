"""The Lambda entry point: the wiring and nothing else."""

import gc

# Nothing that is imported goes away again: to look for it is a tenth of a cold start.
gc.disable()

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from cloudhsm_settings import clients
from cloudhsm_settings.attributes import TRIMMED_FIRST
from cloudhsm_settings.cluster import CloudHsm
from cloudhsm_settings.custom_resource.delivery import put
from cloudhsm_settings.custom_resource.observability import logger, metrics
from cloudhsm_settings.custom_resource.operation import Deliver, Operation, Ports, Schedules, Traits
from cloudhsm_settings.custom_resource.resource import Event, ScheduledResource
from cloudhsm_settings.custom_resource.schedules import SchedulerSchedules
from cloudhsm_settings.custom_resource.store import DynamoDbStore, Store
from cloudhsm_settings.declared import declared, handle_url, kept
from cloudhsm_settings.environment import Environment
from cloudhsm_settings.identity import is_cluster_id, physical_id
from cloudhsm_settings.properties import wait_condition_hosts
from cloudhsm_settings.provider import Provider
from cloudhsm_settings.stack import read_direction, read_phase

Client = Callable[[], Any]


def wire(
    environment: Environment,
    *,
    cloudhsm: Client = clients.cloudhsm,
    cloudformation: Client = clients.cloudformation,
    dynamodb: Client = clients.dynamodb,
    scheduler: Client = clients.scheduler,
    deliver: Deliver = put,
    clock: Callable[[], float] = time.time,
    store: Store | None = None,
    schedules: Schedules | None = None,
) -> ScheduledResource:
    """The resource with its functions, every collaborator handed in.

    `store` and `schedules` stand in for table and Scheduler where there are none.
    """
    handle_hosts = wait_condition_hosts(environment.region) | environment.wait_condition_hosts

    def ports(context: Any) -> Ports:
        return Ports(
            store=store or DynamoDbStore(dynamodb, environment.table),
            schedules=schedules
            or SchedulerSchedules(
                client=scheduler,
                group=environment.schedule_group,
                role_arn=environment.scheduler_role_arn,
                target_arn=context.invoked_function_arn,
                kms_key_arn=environment.schedule_kms_key_arn,
                clock=clock,
            ),
            deliver=deliver,
            clock=clock,
            seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
            log_location=log_location(context),
            stack_direction=lambda stack_id: read_direction(cloudformation, stack_id),
            warn=logger.warning,
            error=logger.error,
        )

    traits = Traits(
        physical_id=physical_id,
        is_issued=is_cluster_id,
        handle_url=partial(handle_url, hosts=handle_hosts),
        declared=declared,
        kept=kept,
        trimmed_first=TRIMMED_FIRST,
    )
    resource = ScheduledResource(ports=ports, traits=traits, hosts=environment.response_hosts)
    provider = Provider(
        cloudhsm=lambda: CloudHsm(cloudhsm()),
        read_phase=lambda stack_id: read_phase(cloudformation, stack_id),
        clock=clock,
        handle_hosts=handle_hosts,
    )

    @resource.create
    @resource.update
    @resource.poll_create
    @resource.poll_update
    def poll(operation: Operation, context: Any) -> bool:
        return provider.poll(operation, context)

    @resource.delete
    def delete(operation: Operation, context: Any) -> bool:
        return provider.leave_alone(operation, context)

    return resource


def log_location(context: Any) -> str:
    """Where the log is. The CDK CLI looks for the phrase about the stream to fetch it, so that comes last."""
    group = getattr(context, "log_group_name", "")
    in_group = f"Log group: {group}. " if group else ""
    return f"{in_group}See the details in CloudWatch Log Stream: {context.log_stream_name}"


def wire_local(environment: Environment) -> tuple[ScheduledResource, Callable[[Any], dict[str, Any] | None]]:
    """The resource for `sam local`, and what waits for its response."""
    # Late: nothing of it is needed in AWS.
    from cloudhsm_settings.local import LocalRun

    run = LocalRun()
    local = wire(environment, store=run.store, schedules=run.schedules, deliver=run.deliver, clock=run.clock)
    return local, lambda context: run.finish(local, context)


def check_drift(context: Any) -> None:
    """Says which clusters are not as declared, and changes nothing."""
    # Late: no request needs it.
    from cloudhsm_settings.drift_check import DriftCheck

    DriftCheck(
        dynamodb=clients.for_reading("dynamodb"),
        cloudhsm=clients.for_reading("cloudhsmv2"),
        table=environment.table,
        clock=time.time,
        seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
    ).run()


DRIFT_CHECK = {"DriftCheck": True}
"""The event of the template's own schedule, as a whole: nothing can come along with it."""
environment = Environment.read()
gc.enable()
resource, finish = wire_local(environment) if environment.local else (wire(environment), lambda _: None)


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True, log_event=False)
def lambda_handler(event: Event, context: Any) -> dict[str, Any] | None:
    """Handles one request of CloudFormation, or one poll by Scheduler; returns the response under `sam local`."""
    if event == DRIFT_CHECK:
        check_drift(context)
        return None
    resource(event, context)
    return finish(context)
