"""The provider as it is deployed: its table and its log, found from a ServiceToken.

The function's own configuration names both, whichever way it was deployed: by SAM, by CDK, in another stack or in this
one. Where no template tells the ServiceToken, the exports of provider stacks do.
"""

from dataclasses import dataclass

from cloudhsm_settings.environment import Environment
from cloudhsm_settings_cli.aws import Aws

EXPORT_SUFFIX = "-ServiceToken"
"""How the export of a provider's stack ends, see template.yaml."""


@dataclass(frozen=True)
class Deployed:
    """What of one provider can be read."""

    service_token: str
    """ARN of the function."""
    table: str
    """Name of the record's table; empty where it is not known."""
    log_group: str
    """Name of the log group; empty where it is not known."""


def deployed(aws: Aws, service_token: str) -> Deployed | None:
    """The provider behind a ServiceToken; None, and a gap, where its configuration cannot be read."""
    found = aws.ask("lambda:GetFunctionConfiguration", service_token, FunctionName=service_token)
    if found is None:
        return None
    environment = Environment.read((found.get("Environment") or {}).get("Variables") or {})
    log = found.get("LoggingConfig") or {}
    return Deployed(service_token, environment.table, str(log.get("LogGroup") or ""))


def service_tokens(aws: Aws) -> tuple[str, ...]:
    """The ServiceTokens that provider stacks of this region export, sorted by the name of the export."""
    exports = aws.ask("cloudformation:ListExports", "the exports of provider stacks") or []
    named = sorted((str(each.get("Name")), str(each.get("Value"))) for each in exports)
    return tuple(value for name, value in named if name.endswith(EXPORT_SUFFIX) and ":function:" in value)
