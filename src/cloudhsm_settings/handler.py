"""The Lambda entry point: crhelper's wiring and nothing else."""

import time
from collections.abc import Callable
from typing import Any

from cloudhsm_settings import clients
from cloudhsm_settings.attributes import TRIMMED_FIRST
from cloudhsm_settings.cluster import CloudHsm
from cloudhsm_settings.delivery import put
from cloudhsm_settings.environment import Environment
from cloudhsm_settings.observability import logger, metrics
from cloudhsm_settings.provider import Provider
from cloudhsm_settings.resource import Deliver, Event, ScheduledResource
from cloudhsm_settings.schedules import SchedulerSchedules, Schedules
from cloudhsm_settings.signals import Signal, signal_handle
from cloudhsm_settings.stack import read_phase


def wire(
    environment: Environment,
    *,
    schedules: Callable[[Any], Schedules] | None = None,
    deliver: Deliver = put,
    send_signal: Callable[[Signal], None] = signal_handle,
    clock: Callable[[], float] = time.time,
) -> ScheduledResource:
    """The resource with its functions, every collaborator handed in."""

    def in_scheduler(context: Any) -> Schedules:
        return SchedulerSchedules(
            client=clients.scheduler,
            group=environment.schedule_group,
            role_arn=environment.scheduler_role_arn,
            target_arn=context.invoked_function_arn,
            clock=clock,
        )

    resource = ScheduledResource(
        schedules=schedules or in_scheduler,
        trimmed_first=TRIMMED_FIRST,
        deliver=deliver,
        clock=clock,
    )
    provider = Provider(
        resource=resource,
        cloudhsm=lambda: CloudHsm(clients.cloudhsm()),
        read_phase=lambda stack_id: read_phase(clients.cloudformation, stack_id),
        clock=clock,
        send_signal=send_signal,
        handle_hosts=environment.wait_condition_hosts,
    )

    @resource.create
    @resource.update
    @resource.poll_create
    @resource.poll_update
    def look(event: Event, context: Any) -> str | None:
        return provider.look(event, context)

    @resource.delete
    def delete(event: Event, context: Any) -> None:
        provider.leave_alone(event, context)

    return resource


def wire_local(environment: Environment) -> tuple[ScheduledResource, Callable[[Any], dict[str, Any] | None]]:
    """The resource for `sam local`, and what waits for its answer."""
    # Late: nothing of it is needed in AWS.
    from cloudhsm_settings.local import LocalRun

    run = LocalRun()
    local = wire(environment, schedules=run.schedules_of, deliver=run.deliver, send_signal=run.signal)
    return local, lambda context: run.finish(local, context)


environment = Environment.read()
resource, finish = wire_local(environment) if environment.local else (wire(environment), lambda _: None)


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: Event, context: Any) -> dict[str, Any] | None:
    """Handles one request of CloudFormation, or one look by Scheduler; returns the answer under `sam local`."""
    resource(event, context)
    return finish(context)
