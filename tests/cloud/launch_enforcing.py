"""Runs the sandbox's MiniStack with the checks of IAM that MiniStack itself leaves out.

It enforces what callers send over the wire. What a service does on behalf of a role, it does for anybody: Scheduler is
passed any role and invokes with none, Lambda hands on failures and writes logs. Here each of these asks the role.
A key of the customer's is used by whoever its policy and theirs allow; MiniStack asks neither.
"""

import runpy
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator, responses
from ministack.services import dynamodb, eventbridge, iam, kms, lambda_svc, scheduler
from ministack.services.cloudformation import provisioners

SCHEDULE_CONTEXT = "kms:encryptioncontext:aws:scheduler:schedule:arn"
NOT_INVOKED = "A schedule may not invoke its target:"
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
    account = responses.get_account_id()
    policies = iam_evaluator._gather_role_policies(role, account)
    boundary = iam_evaluator._permissions_boundary(iam._roles, role, account)
    return iam_evaluator.evaluate(asked, policies, *boundary).decision == "Allow"


def calling_role() -> str | None:
    """The name of the role that calls, if it is one."""
    caller = iam_evaluator.caller_arn()
    return caller.split("/")[1] if ":assumed-role/" in caller else None


def name_of(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]


def role_of(function: dict[str, Any]) -> str:
    return name_of(function["config"]["Role"])


def ask_before_a_role_is_passed() -> None:
    create = scheduler._create_schedule

    def asking(name: str, body: dict[str, Any]) -> Any:
        role, passed = calling_role(), body["Target"]["RoleArn"]
        to_scheduler = {"iam:passedtoservice": "scheduler.amazonaws.com"}
        if role and not allows(role, "iam:PassRole", passed, **to_scheduler):
            return scheduler._error(403, "AccessDeniedException", f"{role} may not perform iam:PassRole on {passed}")
        if role and (denied := denied_to_encrypt(role, name, body)):
            return scheduler._error(403, "AccessDeniedException", f"{role} may not perform {denied}")
        return create(name, body)

    scheduler._create_schedule = asking


def ask_before_a_schedule_invokes() -> None:
    invoke = eventbridge._invoke_target

    def asking(target: dict[str, Any], event: Any, rule: dict[str, Any], *rest: Any) -> None:
        role = name_of(target.get("RoleArn", ""))
        key, of_schedule = rule.get("KmsKeyArn"), {SCHEDULE_CONTEXT: rule.get("Arn", "")}
        if not role or (
            allows(role, "lambda:InvokeFunction", target["Arn"])
            and (not key or allows(role, "kms:Decrypt", key, **of_schedule))
        ):
            invoke(target, event, rule, *rest)
        else:
            print(NOT_INVOKED, rule["Arn"], flush=True)

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


def via(service: str) -> dict[str, str]:
    return {"kms:viaservice": f"{service}.{responses.get_region()}.amazonaws.com"}


def denied_to_encrypt(role: str, name: str, body: dict[str, Any]) -> str | None:
    """What a role lacks to make a schedule with a key.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/security_iam_id-based-policy-examples.html
    """
    if not (key := body.get("KmsKeyArn")):
        return None
    region, account = responses.get_region(), responses.get_account_id()
    arn = f"arn:aws:scheduler:{region}:{account}:schedule/{body.get('GroupName', 'default')}/{name}"
    context = {**via("scheduler"), SCHEDULE_CONTEXT: arn}
    needed = {"kms:DescribeKey": via("scheduler"), "kms:GenerateDataKey": context, "kms:Decrypt": context}
    return next((action for action, asked in needed.items() if not allows(role, action, key, **asked)), None)


def ask_before_a_table_is_decrypted() -> None:
    """DynamoDB decrypts the table's key for the caller, unless it is the one that DynamoDB manages in the account."""

    def asking(carry_out: Any, data: dict[str, Any]) -> Any:
        table, role = data["TableName"], calling_role()
        key = dynamodb._tables[table]["SSEDescription"].get("KMSMasterKeyArn", "") if table in dynamodb._tables else ""
        context = {**via("dynamodb"), "kms:encryptioncontext:aws:dynamodb:tablename": table}
        if role and ":key/" in key and not allows(role, "kms:Decrypt", key, **context):
            message = f"{role} may not perform kms:Decrypt on {key}"
            return responses.error_response_json("AccessDeniedException", message, 400)
        return carry_out(data)

    for name in ("_get_item", "_query", "_scan", "_update_item"):
        setattr(dynamodb, name, partial(asking, getattr(dynamodb, name)))


def ask_before_a_log_group_has_a_key() -> None:
    """CloudWatch Logs refuses a key whose policy does not let it in.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Logs::LogGroup"]
    create = handlers["create"]

    def asking(logical_id: str, properties: dict[str, Any], *rest: Any) -> Any:
        made = create(logical_id, properties, *rest)
        key = properties.get("KmsKeyId")
        if key and not let_in(f"logs.{responses.get_region()}.amazonaws.com", key, made[1]["Arn"]):
            raise ValueError(f"The specified KMS key {key} does not exist or is not allowed to be used with {made[0]}")
        return made

    handlers["create"] = asking


def let_in(service: str, key_arn: str, log_group_arn: str) -> bool:
    """Whether the policy of a key lets CloudWatch Logs encrypt and decrypt a group's data."""
    account, region = responses.get_account_id(), responses.get_region()
    policy = kms._keys[key_arn.rpartition("/")[2]]["Policy"]
    context = {"kms:encryptioncontext:aws:logs:arn": log_group_arn.removesuffix(":*")}

    def allowed(action: str) -> bool:
        asked = iam_evaluator.EvalContext(service, "Service", account, action, key_arn, region, service_context=context)
        return bool(iam_evaluator.evaluate_resource_policy(policy, asked, service).decision == "Allow")

    return all(allowed(f"kms:{verb}") for verb in ("Encrypt", "Decrypt", "GenerateDataKey", "DescribeKey"))


def simulate_with_context() -> None:
    """Simulates policies with the context that is given, and finds roles that have a path."""
    simulate, resolve = iam._simulate_principal_policy, iam_evaluator._resolve_condition_key
    context: ContextVar[dict[str, str]] = ContextVar("context", default={})  # noqa: B039  # never changed

    def simulating(asked: dict[str, Any]) -> Any:
        arn, entries = iam._p(asked, "PolicySourceArn"), {}
        for number in range(1, 100):
            entry = f"ContextEntries.member.{number}"
            if name := iam._p(asked, f"{entry}.ContextKeyName"):
                entries[name.lower()] = iam._p(asked, f"{entry}.ContextKeyValues.member.1")
        context.set(entries)
        account, _, role = arn.partition(":role/")
        return simulate({**asked, "PolicySourceArn": f"{account}:role/{name_of(role)}"})

    def resolving(key: str, asked: Any) -> Any:
        return context.get().get(key.lower()) or resolve(key, asked)

    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = simulating
    iam_evaluator._resolve_condition_key = resolving


ask_before_a_role_is_passed()
ask_before_a_schedule_invokes()
ask_before_a_failure_is_handed_on()
ask_before_logs_are_written()
ask_before_a_table_is_decrypted()
ask_before_a_log_group_has_a_key()
simulate_with_context()
runpy.run_path(str(LAUNCHER), run_name="__main__")
