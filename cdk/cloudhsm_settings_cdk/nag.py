"""Acknowledgments for cdk-nag, with the reason, where users of other rules can read them too."""

from typing import Any

from aws_cdk import Stack, Validations
from constructs import Construct

INLINE = ("IAMNoInlinePolicy", "The policy is of this role alone, and goes with it; nobody else can attach it.")
"""A rule of the packs, and why roles break it."""
PACKS = ("HIPAA.Security", "NIST.800.53.R5", "PCI.DSS.321")
"""Packs of cdk-nag beside AwsSolutions."""


def acknowledge(scope: Construct, rule: str, reason: str) -> None:
    """Tells cdk-nag why `scope` and what is below it break a rule on purpose."""
    # What Validations.acknowledge writes, which refuses the ids of findings, with their "::", in most releases of CDK.
    scope.node.add_metadata(Validations.ACKNOWLEDGED_RULES_METADATA_KEY, {rule: reason})


def acknowledge_in_packs(scope: Construct, rule: str, reason: str) -> None:
    """The same for a rule that several packs of a framework have, under their own names."""
    for pack in PACKS:
        acknowledge(scope, f"{pack}-{rule}", reason)


def acknowledge_wildcard(scope: Construct, resource: str, reason: str) -> None:
    """Tells cdk-nag why a policy allows an action on `resource`, an ARN or pattern, perhaps with tokens."""
    acknowledge(scope, f"AwsSolutions-IAM5[Resource::{_flattened(Stack.of(scope).resolve(resource))}]", reason)


def _flattened(value: Any) -> str:
    """An intrinsic function in the notation of cdk-nag's finding ids, such as "<Function1234.Arn>:*"."""
    match value:
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(_flattened(part) for part in parts)
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Ref": resource}:
            return f"<{resource}>"
        case _:
            return str(value)
