"""What each alarm of examples/monitoring is about, brought about on the local cloud, and who was told."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.cloud import PROVIDER_STACK, Cloud
from sandbox.cloudhsm import Fault
from sandbox.stacks import Stacks

SECONDS_AT_MOST = 60
NOT_HERE = {
    "Reverted": "it is believed after two minutes, which nothing shortens; tests/cloud/test_stacks.py has it",
    "InternalFailure": "there is no defect to bring about",
    "FunctionErrors": "a function that crashes would fail the examples beside this one",
    "ResponderNotCalled": "Lambda always reaches the responder here",
    "OtherChangesNotTold": "EventBridge always reaches the topic here",
}
"""Alarms that the local cloud cannot set off, and why."""


class Conditions:
    """Brings about what the alarms are about, by clusters and stacks of its own."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.names = physical_ids(cloud, PROVIDER_STACK)
        self._lambda, self._iam, self._stacks = cloud.client("lambda"), cloud.client("iam"), Stacks(cloud)

    def close(self) -> None:
        """Closes what it called the cloud with."""
        self._lambda.close()
        self._iam.close()

    def role_arn(self) -> str:
        """The provider's role."""
        return str(self._iam.get_role(RoleName=self.names["FunctionRole"])["Role"]["Arn"])

    def bring_about_all(self) -> None:
        """Everything in `BROUGHT_ABOUT_BY`, side by side, since most of it is waiting."""
        actions = set(BROUGHT_ABOUT_BY.values())
        with ThreadPoolExecutor(len(actions)) as pool:
            for each in [pool.submit(action, self) for action in actions]:
                each.result()

    def drift(self) -> None:
        """One cluster is changed by hand and another one is deleted, and then Scheduler's event comes."""
        drifted, deleted = (self._declared(days=30) for _ in range(2))
        self.cloud.fleet.cluster(drifted).retention = {"Type": "DAYS", "Value": "7"}
        del self.cloud.fleet.clusters[deleted]
        with self._allowed("dynamodb:Scan"):
            self._invoke("Function", {"DriftCheck": True})

    def contest(self) -> None:
        """Two stacks declare different days for one cluster."""
        cluster = self._declared(days=30)
        self._declared(cluster, days=60)

    def come_late(self) -> None:
        """A request comes a minute after it was signed, of a stack whose operation has ended."""
        stack = self._stacks.describe(PROVIDER_STACK)["StackId"]
        signed = (datetime.now(UTC) - timedelta(minutes=1)).strftime("%Y%m%dT%H%M%SZ")
        properties = {"ClusterId": self.cloud.fleet.seed().cluster_id, "BackupRetentionPolicy": _days(30)}
        self._request(stack, f"?X-Amz-Date={signed}", properties)

    def wait_in_vain(self) -> None:
        """The cluster stays in transition, and the stack has no time to wait."""
        cluster = self.cloud.fleet.seed(state="UPDATE_IN_PROGRESS")
        self._declared(cluster.cluster_id, days=30, ServiceTimeout="60")

    def deny(self) -> None:
        """AWS denies the call for one cluster."""
        self._refused("CloudHsmAccessDeniedException", times=1)

    def refuse(self) -> None:
        """CloudHSM refuses the call for one cluster, twice."""
        self._refused("CloudHsmInvalidRequestException", times=2)

    def forge(self) -> None:
        """Somebody else invokes the function."""
        self._invoke("Function", {"forged": True})

    def crash_the_responder(self) -> None:
        """It crashes before its first line."""
        client, function = self._lambda, self.names["Responder"]
        handler = client.get_function_configuration(FunctionName=function)["Handler"]
        client.update_function_configuration(FunctionName=function, Handler="missing.lambda_handler")
        try:
            self._invoke("Responder", {})
        finally:
            client.update_function_configuration(FunctionName=function, Handler=handler)

    @contextmanager
    def _allowed(self, action: str) -> Iterator[None]:
        """The function's role may do it, as the template's parameter DriftCheck lets it."""
        iam, role = self._iam, {"RoleName": self.names["FunctionRole"], "PolicyName": "for-a-while"}
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(**role, PolicyDocument=document)
        try:
            yield
        finally:
            iam.delete_role_policy(**role)

    def _declared(self, cluster_id: str = "", *, days: int, **properties: str) -> str:
        """A cluster that a stack of its own declares settings of; its id, whatever becomes of the stack."""
        cluster_id = cluster_id or self.cloud.fleet.seed().cluster_id
        token = {"Fn::ImportValue": f"{PROVIDER_STACK}-ServiceToken"}
        settings = {"ServiceToken": token, "ClusterId": cluster_id, "BackupRetentionPolicy": _days(days), **properties}
        body = {"Resources": {"Settings": {"Type": "Custom::CloudHSMClusterSettings", "Properties": settings}}}
        self._stacks.create(f"condition-{cluster_id}-{days}", json.dumps(body))
        return cluster_id

    def _request(self, stack_id: str, query: str, properties: Mapping[str, Any]) -> None:
        """A Create whose response goes nowhere."""
        url = f"{self.cloud.environment['AWS_ENDPOINT_URL']}/no-such-bucket/key{query}"
        ids = {"StackId": stack_id, "LogicalResourceId": "Settings", "RequestId": "late", "RequestType": "Create"}
        self._invoke("Function", {**ids, "ResponseURL": url, "ResourceProperties": properties})

    def _refused(self, code: str, times: int) -> None:
        cluster = self.cloud.fleet.seed()
        self.cloud.fleet.faults.append(Fault("ModifyCluster", code, times, cluster_id=cluster.cluster_id))
        self._declared(cluster.cluster_id, days=30)

    def _invoke(self, name: str, event: Mapping[str, Any]) -> None:
        self._lambda.invoke(FunctionName=self.names[name], Payload=json.dumps(event))


BROUGHT_ABOUT_BY: Mapping[str, Callable[[Conditions], None]] = {
    "ModifyCluster": Conditions.contest,
    "Conflicting": Conditions.come_late,
    "NotStabilized": Conditions.wait_in_vain,
    "AccessDenied": Conditions.deny,
    "InvalidRequest": Conditions.refuse,
    "Drifted": Conditions.drift,
    "NotCompared": Conditions.drift,
    "Contested": Conditions.contest,
    "ResponderErrors": Conditions.crash_the_responder,
    "ErrorLines": Conditions.forge,
}
"""Each alarm, and what it is about."""


def physical_ids(cloud: Cloud, stack: str) -> dict[str, str]:
    """The physical id of each resource of a stack."""
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}


@contextmanager
def told(cloud: Cloud, topic_arn: str) -> Iterator[Callable[[], list[str]]]:
    """Everything that a topic tells from now on."""
    queues, topics = cloud.client("sqs"), cloud.client("sns")
    url = queues.create_queue(QueueName="told")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    topics.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
    heard: list[str] = []

    def messages() -> list[str]:
        # Nothing is deleted: MiniStack loses a message that comes while it deletes another one.
        asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 60 * SECONDS_AT_MOST}
        while batch := queues.receive_message(**asked).get("Messages"):
            heard.extend(json.loads(each["Body"])["Message"] for each in batch)
        return heard

    yield messages
    queues.close()
    topics.close()


def set_to_ok(cloud: Cloud, names: Iterable[str]) -> None:
    """Lets alarms tell anew: one that others have set off, before anybody listened, would tell nobody now."""
    with closing(cloud.client("cloudwatch")) as watch:
        for name in names:
            watch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="Somebody listens from now on")


def somebody_changes_a_cluster(cloud: Cloud, role_arn: str | None) -> None:
    """What CloudTrail tells of ModifyCluster, by a user or by a role."""
    user = {"type": "IAMUser", "arn": "arn:aws:iam::000000000000:user/alice"}
    role = {"type": "AssumedRole", "arn": f"{role_arn}/session", "sessionContext": {"sessionIssuer": {"arn": role_arn}}}
    detail = {
        "eventSource": "cloudhsm.amazonaws.com",
        "eventName": "ModifyCluster",
        "eventID": "5b1c1e6a-0000-4000-8000-000000000000",
        "userIdentity": role if role_arn else user,
        "requestParameters": {"clusterId": "cluster-abcdefghijk"},
    }
    entry = {"Source": "aws.cloudhsm", "DetailType": "AWS API Call via CloudTrail", "Detail": json.dumps(detail)}
    cloud.client("events").put_events(Entries=[entry])


def faults_of(cloud: Cloud, stack: str) -> str:
    """Sets off every alarm of a monitoring stack; what did not happen or was not told, empty when all was."""
    ids = physical_ids(cloud, stack)
    with closing(Conditions(cloud)) as conditions, told(cloud, ids["Topic"]) as messages:
        role = conditions.role_arn()
        somebody_changes_a_cluster(cloud, role)
        somebody_changes_a_cluster(cloud, f"{role}-other")
        somebody_changes_a_cluster(cloud, None)
        expected = {ids[name]: name for name in BROUGHT_ABOUT_BY}
        set_to_ok(cloud, expected)
        conditions.bring_about_all()
        _eventually(lambda: expected.keys() <= _alarms_told(messages()))
        silent = sorted(name for physical, name in expected.items() if physical not in _alarms_told(messages()))
        others = sorted(each for each in messages() if "ModifyCluster on cluster-abcdefghijk" in each)
    told_of = [sum(who in each for each in others) for who in ("user/alice", f"{role}-other/", f"{role}/")]
    # The next ones on this cloud shall find it as they would without this one.
    Stacks(cloud).delete(stack)
    wrong = [f"not told: {', '.join(silent)}"] if silent else []
    wrong += [f"of changes by others was told: {others}"] if told_of != [1, 1, 0] else []
    return "; ".join(wrong)


def _days(days: int) -> dict[str, Any]:
    return {"Type": "DAYS", "Value": days}


def _alarms_told(messages: list[str]) -> set[str]:
    return {json.loads(each)["AlarmName"] for each in messages if each.startswith("{")}


def _eventually(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_AT_MOST
    while not happens() and time.monotonic() < deadline:
        time.sleep(0.1)
