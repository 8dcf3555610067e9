"""Runs the sandbox's MiniStack with the checks of IAM that MiniStack itself leaves out.

It enforces what callers send over the wire. What a service does on behalf of a role, it does for anybody: Scheduler is
passed any role and invokes with none, Lambda hands on failures and writes logs. Here each of these asks the role.
"""

import runpy
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator, responses
from ministack.services import eventbridge, lambda_svc, scheduler

LAUNCHER = Path(__file__).parents[2] / "sandbox" / "launch_ministack.py"


def allows(role: str, action: str, resource: str, **context: str) -> bool:
    """Whether the policies of a role, given by its name, allow the action."""
    asked = iam_evaluator.EvalContext(
        principal_arn=role,
        principal_type="AssumedRole",
        principal_account=responses.get_account_id(),
        action=action,
        resource_arn=resource,
        region=responses.get_region(),
        service_context=context,
    )
    policies = iam_evaluator._gather_role_policies(role, responses.get_account_id())
    return iam_evaluator.evaluate(asked, policies).decision == "Allow"


def name_of(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]


def role_of(function: dict[str, Any]) -> str:
    return name_of(function["config"]["Role"])


def ask_before_a_role_is_passed() -> None:
    create = scheduler._create_schedule

    def asking(name: str, body: dict[str, Any]) -> Any:
        caller, passed = iam_evaluator.caller_arn(), body["Target"]["RoleArn"]
        role = caller.split("/")[1] if ":assumed-role/" in caller else None
        to_scheduler = {"iam:passedtoservice": "scheduler.amazonaws.com"}
        if role and not allows(role, "iam:PassRole", passed, **to_scheduler):
            return scheduler._error(403, "AccessDeniedException", f"{caller} may not perform iam:PassRole on {passed}")
        return create(name, body)

    scheduler._create_schedule = asking


def ask_before_a_schedule_invokes() -> None:
    invoke = eventbridge._invoke_target

    def asking(target: dict[str, Any], *rest: Any) -> None:
        if "RoleArn" not in target or allows(name_of(target["RoleArn"]), "lambda:InvokeFunction", target["Arn"]):
            invoke(target, *rest)

    eventbridge._invoke_target = asking


def ask_before_a_failure_is_handed_on() -> None:
    hand_on = lambda_svc._route_async_failure

    def asking(destination: str, function: str, *rest: Any) -> None:
        if allows(role_of(lambda_svc._functions[function]), "lambda:InvokeFunction", destination):
            hand_on(destination, function, *rest)

    lambda_svc._route_async_failure = asking


def ask_before_logs_are_written() -> None:
    write = lambda_svc._emit_lambda_logs

    def asking(function: dict[str, Any], *rest: Any, **options: Any) -> None:
        group = function["config"]["LoggingConfig"]["LogGroup"]
        region, account = responses.get_region(), responses.get_account_id()
        stream = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:any"
        if all(allows(role_of(function), f"logs:{verb}", stream) for verb in ("CreateLogStream", "PutLogEvents")):
            write(function, *rest, **options)

    lambda_svc._emit_lambda_logs = asking


ask_before_a_role_is_passed()
ask_before_a_schedule_invokes()
ask_before_a_failure_is_handed_on()
ask_before_logs_are_written()
runpy.run_path(str(LAUNCHER), run_name="__main__")
