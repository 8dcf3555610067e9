"""Two owners of one cluster: two resources that declare different settings for it. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.decisions import ModifyHsmType, ModifyRetention
from cloudhsm_settings.declared import retention_of
from cloudhsm_settings.request import Request


def may_be_contested(request: Request, decision: ModifyHsmType | ModifyRetention, cluster: Cluster) -> bool:
    """Whether somebody else set what is about to be overwritten: it is not what this template said before."""
    former = request.former
    if former is None or not request.is_in_place:
        return True
    if isinstance(decision, ModifyRetention):
        return former.retention_days != cluster.retention_days
    return former.hsm_type != cluster.shown_type


def contested(decision: ModifyHsmType | ModifyRetention, others: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The other resources that declare otherwise, as members of a log line."""
    return [
        {
            "OtherStackId": other["StackId"],
            "OtherLogicalResourceId": other["LogicalResourceId"],
            "OtherDeclared": str(_declared_by(decision, other["Declared"])),
        }
        for other in others
        if _declared_by(decision, other["Declared"]) not in (None, _wanted(decision))
    ]


def _wanted(decision: ModifyHsmType | ModifyRetention) -> int | str:
    return decision.days if isinstance(decision, ModifyRetention) else decision.hsm_type


def _declared_by(decision: ModifyHsmType | ModifyRetention, declared: Mapping[str, Any]) -> Any:
    return retention_of(declared) if isinstance(decision, ModifyRetention) else declared.get("HsmType")
