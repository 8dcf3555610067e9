"""What a deployment will ask of the provider: the properties of one resource, before and after."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Action = Literal["Create", "Update", "Delete", "None"]
"""The request that CloudFormation will send; "None" where it sends none, because nothing of the resource changes."""


@dataclass(frozen=True)
class Intent:
    """One resource of one stack. A handle in it is a stand-in with the logical id, never the real URL."""

    action: Action
    properties: Mapping[str, Any] = field(default_factory=dict)
    """ResourceProperties, as far as they are known before the deployment."""
    old_properties: Mapping[str, Any] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    """By property, why its value is only known at the deployment."""
    stack_id: str = ""
    """ARN of the stack; empty where there is none yet."""
    stack_name: str = ""
    logical_resource_id: str = "Settings"
    existing_id: str = ""
    """The PhysicalResourceId; empty before the creation."""
    stack_status: str = ""
    natives: tuple["Native", ...] = ()
    """The clusters of CloudFormation's own type that this stack's template declares."""
    handle_timeout: int | None = None
    """Seconds that the wait condition of the handle waits; None where none is known to wait for it."""

    @property
    def name(self) -> str:
        """How a person calls the resource: "vault/Settings"."""
        return f"{self.stack_name}/{self.logical_resource_id}" if self.stack_name else self.logical_resource_id


@dataclass(frozen=True)
class Native:
    """A resource of type AWS::CloudHSM::Cluster."""

    stack_name: str
    logical_resource_id: str
    cluster_id: str
    """Empty where the cluster is not made yet."""
    properties: Mapping[str, Any]
    replaced: bool = False
    """Whether the deployment replaces it by a new, empty cluster."""


def handle_name(url: str | None) -> str:
    """The logical id in a stand-in; empty without one."""
    return (url or "").rpartition("/")[2]
