"""One side of a deployment: the resources of one template, resolved, before it or after it. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cloudhsm_settings.properties import wait_condition_hosts
from cloudhsm_settings_cli.template import HANDLE_TYPE, Resolver, Surroundings


class Side:
    """The resources of one template. A handle in them is a stand-in with the logical id, never the real URL."""

    def __init__(self, template: Mapping[str, Any] | None, around: Surroundings) -> None:
        # Beside resources there may be what a macro makes resources of, such as Fn::ForEach.
        declared = ((template or {}).get("Resources") or {}).items()
        self.resources: Mapping[str, Any] = {name: each for name, each in declared if isinstance(each, Mapping)}
        handles = {
            name: handle_stand_in(around.region, name)
            for name, each in self.resources.items()
            if each.get("Type") == HANDLE_TYPE
        }
        self._resolver = Resolver(template or {}, replace(around, physical_ids={**around.physical_ids, **handles}))

    def of_type(self, kind: str) -> list[str]:
        """Logical ids of the resources of a type, as far as their conditions let them be."""
        return [
            name for name, each in self.resources.items() if each.get("Type") == kind and self._resolver.is_wanted(each)
        ]

    def properties(self, name: str) -> dict[str, Any]:
        """The properties of a resource, values as CloudFormation sends them; Unknown among them."""
        resolved = self._resolver.value(self.resources.get(name, {}).get("Properties") or {})
        return {key: as_sent(value) for key, value in resolved.items()} if isinstance(resolved, dict) else {}


def handle_stand_in(region: str, logical_id: str) -> str:
    """What stands for the URL of a wait condition handle, so that a name is compared and no secret is read."""
    return f"https://{min(wait_condition_hosts(region))}/{logical_id}"


def as_sent(value: Any) -> Any:
    """A value as CloudFormation sends it to a custom resource: every scalar is a string."""
    if isinstance(value, dict):
        return {name: as_sent(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_sent(each) for each in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value
