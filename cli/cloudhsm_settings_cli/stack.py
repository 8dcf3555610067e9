"""A stack as it is deployed: what a plan compares with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudhsm_settings_cli.aws import Aws, Refused, Unread
from cloudhsm_settings_cli.exits import Stopped
from cloudhsm_settings_cli.template import Surroundings, load


@dataclass(frozen=True)
class Stack:
    """A stack; one that does not exist yet has a name and nothing else."""

    name: str
    stack_id: str = ""
    status: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Values by name, those of Parameter Store resolved."""
    physical_ids: Mapping[str, str] = field(default_factory=dict)
    """By logical id."""
    template: Mapping[str, Any] | None = None
    """As CloudFormation processed it; None where there is none, or it cannot be read."""


def read_stack(aws: Aws, name: str) -> Stack:
    """The stack of this name or ARN; raises Denied or Unreachable where it cannot be read."""
    try:
        found = aws.read("cloudformation:DescribeStacks", f"stack {name}", StackName=name)
    except Refused:
        return Stack(name.split("/")[1] if name.startswith("arn:") else name)
    described = found[0] if found else {}
    stack_id = str(described.get("StackId") or name)
    resources = aws.ask("cloudformation:ListStackResources", f"stack {name}", StackName=stack_id) or ()
    alive = [each for each in resources if each.get("ResourceStatus") != "DELETE_COMPLETE"]
    return Stack(
        name=str(described.get("StackName") or name),
        stack_id=stack_id,
        status=str(described.get("StackStatus") or ""),
        parameters=values_of(described.get("Parameters") or ()),
        physical_ids={str(each["LogicalResourceId"]): str(each.get("PhysicalResourceId") or "") for each in alive},
        template=read_template(aws, f"stack {name}", StackName=stack_id),
    )


def read_template(aws: Aws, subject: str, **of: str) -> Mapping[str, Any] | None:
    """The template of a stack or of a change set; None where there is none, or it cannot be read."""
    try:
        answer = aws.read("cloudformation:GetTemplate", subject, TemplateStage="Processed", **of)
    except Refused:
        return None
    except Unread as unread:
        aws.miss(unread)
        return None
    body = answer.get("TemplateBody")
    try:
        # botocore makes a mapping of JSON, and leaves YAML as it is.
        return body if isinstance(body, Mapping) else load(str(body))
    except ValueError as error:
        raise Stopped(f"The template of {subject} cannot be read: {error}.") from None


def values_of(parameters: Any) -> Mapping[str, str]:
    """Values by name: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html ."""
    return {
        str(each["ParameterKey"]): str(each.get("ResolvedValue") or each.get("ParameterValue") or "")
        for each in parameters
    }


def surroundings(aws: Aws, stack: Stack, parameters: Mapping[str, Any]) -> Surroundings:
    """What a template of this stack is resolved with."""
    parts = stack.stack_id.split(":")
    return Surroundings(
        region=aws.region,
        account=parts[4] if len(parts) > 4 else "",
        partition=aws.partition,
        stack_name=stack.name,
        stack_id=stack.stack_id,
        parameters=parameters,
        physical_ids=stack.physical_ids,
        exports=lambda: _exports_of(aws),
    )


def _exports_of(aws: Aws) -> Mapping[str, str] | None:
    """The exports of this region by name; None where they cannot be read."""
    found = aws.ask("cloudformation:ListExports", "the exports of other stacks")
    return None if found is None else {str(each["Name"]): str(each["Value"]) for each in found}
