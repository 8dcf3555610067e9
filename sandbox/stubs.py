"""Resources that stand in for others, inside MiniStack: they do nothing, have attributes, and fail on request."""

from typing import Any

from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

from sandbox.cancelling import Require

STUB = "Sandbox::Stub::Resource"


def know_stubs(require: Require) -> None:
    """Adds the type. Properties: For, its own type; Attributes, what GetAtt reads; Fails, true for one that fails."""

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        if str(properties.get("Fails", "false")).lower() == "true":
            raise ValueError("It was told to fail")
        return f"{stack}-{logical_id}", dict(properties.get("Attributes") or {})

    def update(physical_id: str, _: dict[str, Any], new: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        return physical_id, create(physical_id, new, stack)[1]

    def delete(_physical_id: str, _properties: dict[str, Any]) -> None:
        pass

    require(provisioners, "_RESOURCE_HANDLERS")
    provisioners._RESOURCE_HANDLERS[STUB] = {"create": create, "update": update, "delete": delete}  # noqa: SLF001
