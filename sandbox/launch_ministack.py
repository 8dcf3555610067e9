"""Runs MiniStack inside its own environment, with what it lacks: fast time, clusters, cancellation, monitoring.

Started by `sandbox.ministack` with that environment's Python. It ends when its standard input closes, so that no
server outlives the process that started it. SECONDS_BETWEEN_POLLS shortens `rate(1 minute)`.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
from ministack import app  # type: ignore[import-not-found]
from ministack.core import iam_actions, responses  # type: ignore[import-not-found]
from ministack.services import dynamodb, eventbridge, iam, lambda_svc, scheduler  # type: ignore[import-not-found]
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

# A script that is run with -P, so that nothing of the outside is found, has to find its own package.
sys.path.append(str(Path(__file__).parents[1]))
from sandbox.cancelling import let_operations_be_cancelled
from sandbox.change_sets import let_change_sets_show_values
from sandbox.insights import let_queries_read_json
from sandbox.monitoring import let_it_be_monitored
from sandbox.stepped import VARIABLE, SteppedClock
from sandbox.stepping import let_time_pass_in_steps
from sandbox.stubs import know_stubs
from sandbox.worker_logs import let_logs_be_whole


def end_with_parent() -> None:
    """Leaves at once when nobody holds the other end of standard input any more."""
    sys.stdin.buffer.read()
    os._exit(0)


def listen_on_one_port_only() -> None:
    """Keeps MiniStack off port 443, which it takes as well where it can."""
    require(app, "_port_is_bindable")
    app._port_is_bindable = lambda *_: False  # noqa: SLF001  # there is no setting for it


def authorize_schedules_in_their_group() -> None:
    """Lets IAM see the group of a schedule, which MiniStack takes for "default" always."""
    require(iam_actions, "extract_resource_arn")
    blind = iam_actions.extract_resource_arn

    def seeing(service: str, *request: Any) -> str:
        _method, _path, _headers, body, query, *_ = request
        arn: str = blind(service, *request)
        if service != "scheduler":
            return arn
        asked = json.loads(body).get("GroupName") if body else query.get("groupName")
        group = asked[0] if isinstance(asked, list) else asked
        return arn.replace(":schedule/default/", f":schedule/{group or 'default'}/")

    iam_actions.extract_resource_arn = seeing


def require(module: ModuleType, name: str) -> None:
    """Ends with a clear word where another version of MiniStack has no such name."""
    if not hasattr(module, name):
        sys.exit(f"MiniStack has changed: {module.__name__}.{name} is gone")


def run_scheduler_fast(seconds: float) -> None:
    """Lets a schedule of `rate(1 minute)` fire every `seconds`."""
    require(scheduler, "_SCHEDULE_TICK_INTERVAL")
    require(eventbridge, "_parse_rate_seconds")
    slow = eventbridge._parse_rate_seconds  # noqa: SLF001  # there is no setting for it

    def fast(expression: str) -> float | None:
        rate = slow(expression)
        return None if rate is None else rate * seconds / 60

    eventbridge._parse_rate_seconds = fast  # noqa: SLF001
    scheduler._SCHEDULE_TICK_INTERVAL = min(1.0, seconds)  # noqa: SLF001


def name_resources_by_region() -> None:
    """Keeps the roles of a stack apart from those of its twin in another region: IAM is global, as are its names."""
    require(provisioners, "_physical_name")
    alike = provisioners._physical_name  # noqa: SLF001  # there is no setting for it

    def apart(*words: Any, **options: Any) -> str:
        name: str = alike(*words, **options)
        start, suffix = name[:-13], name[-13:]
        digest = sha256(f"{responses.get_region()}:{suffix}".encode()).hexdigest()[:13]
        return start + (digest.upper() if suffix.isupper() else digest)

    provisioners._physical_name = apart  # noqa: SLF001


def keep_what_templates_say() -> None:
    """Puts on record what MiniStack's CloudFormation forgets: network, keys, code signing, permissions boundaries."""
    require(lambda_svc, "_vpc_config_with_id")
    require(dynamodb, "_sse_description_from_spec")

    def of_function(name: str, properties: dict[str, Any]) -> None:
        function = lambda_svc._functions[name]  # noqa: SLF001
        function["config"]["VpcConfig"] = lambda_svc._vpc_config_with_id(properties.get("VpcConfig"))  # noqa: SLF001
        function["config"]["KMSKeyArn"] = properties.get("KmsKeyArn", "")
        function["code_signing_config_arn"] = properties.get("CodeSigningConfigArn", "")

    def of_role(name: str, properties: dict[str, Any]) -> None:
        iam._roles[name]["PermissionsBoundary"] = properties.get("PermissionsBoundary")  # noqa: SLF001

    def of_table(name: str, properties: dict[str, Any]) -> None:
        asked = properties.get("SSESpecification", {})
        encrypted = {**asked, "Enabled": str(asked.get("SSEEnabled")).lower() == "true"}
        dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(encrypted)  # noqa: SLF001

    def of_schedule(name: str, properties: dict[str, Any]) -> None:
        schedule = scheduler._schedules[f"{properties.get('GroupName', 'default')}/{name}"]  # noqa: SLF001
        schedule["KmsKeyArn"] = properties.get("KmsKeyArn")

    after_provisioning("AWS::Scheduler::Schedule", of_schedule)
    after_provisioning("AWS::DynamoDB::Table", of_table)
    after_provisioning("AWS::Lambda::Function", of_function)
    after_provisioning("AWS::IAM::Role", of_role)


def after_provisioning(kind: str, keep: Callable[[str, dict[str, Any]], None]) -> None:
    """Has `keep` called with the physical id and the properties of each resource of a type that is made or updated."""
    handlers = provisioners._RESOURCE_HANDLERS[kind]  # noqa: SLF001
    create, update = handlers["create"], handlers["update"]

    def kept(made: tuple[str, Any], properties: dict[str, Any]) -> tuple[str, Any]:
        keep(made[0], properties)
        return made

    handlers["create"] = lambda logical_id, new, *rest: kept(create(logical_id, new, *rest), new)
    handlers["update"] = lambda name, old, new, *rest: kept(update(name, old, new, *rest), new)


def know_cloudhsm_clusters() -> None:
    """Adds AWS::CloudHSM::Cluster, true to its schema: another HsmType replaces the cluster."""

    def cloudhsm() -> Any:
        credentials = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        return boto3.client("cloudhsmv2", region_name=responses.get_region(), **credentials)

    def create(_logical_id: str, properties: dict[str, Any], _stack: str) -> tuple[str, dict[str, str]]:
        members = {
            name: properties[name]
            for name in ("HsmType", "SubnetIds", "BackupRetentionPolicy", "Mode")
            if name in properties
        }
        cluster = cloudhsm().create_cluster(**members)["Cluster"]
        region, account = responses.get_region(), responses.get_account_id()
        arn = f"arn:aws:cloudhsm:{region}:{account}:cluster/{cluster['ClusterId']}"
        return arn, {"Arn": arn, **{name: cluster[name] for name in ("ClusterId", "State", "SecurityGroup", "VpcId")}}

    def update(arn: str, old: dict[str, Any], new: dict[str, Any], _stack: str) -> tuple[str, dict[str, str]]:
        policy, cluster_id = new.get("BackupRetentionPolicy"), arn.rpartition("/")[2]
        if policy and policy != old.get("BackupRetentionPolicy"):
            cloudhsm().modify_cluster(ClusterId=cluster_id, BackupRetentionPolicy=policy)
        return arn, {"Arn": arn, "ClusterId": cluster_id}

    def delete(arn: str, _properties: dict[str, Any]) -> None:
        cloudhsm().delete_cluster(ClusterId=arn.rpartition("/")[2])

    require(provisioners, "_RESOURCE_HANDLERS")
    require(provisioners, "_REPLACING_PROPERTIES")
    handlers = {"create": create, "update": update, "delete": delete}
    provisioners._RESOURCE_HANDLERS["AWS::CloudHSM::Cluster"] = handlers  # noqa: SLF001  # there is no other way in
    create_only = ("SubnetIds", "NetworkType", "Mode", "HsmType")
    provisioners._REPLACING_PROPERTIES["AWS::CloudHSM::Cluster"] = create_only  # noqa: SLF001


threading.Thread(target=end_with_parent, daemon=True).start()
run_scheduler_fast(float(os.environ.get("SECONDS_BETWEEN_POLLS", "60")))
listen_on_one_port_only()
authorize_schedules_in_their_group()
name_resources_by_region()
keep_what_templates_say()
know_cloudhsm_clusters()
know_stubs(require)
let_operations_be_cancelled(require)
let_it_be_monitored(require)
let_logs_be_whole(require)
let_queries_read_json(require)
let_change_sets_show_values(require)
if VARIABLE in os.environ:
    let_time_pass_in_steps(require, SteppedClock(Path(os.environ[VARIABLE])))
sys.argv = ["ministack"]
app.main()
