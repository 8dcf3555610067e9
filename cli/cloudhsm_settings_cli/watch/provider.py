"""Which provider serves a stack: found from its template, or from the exports of provider stacks."""

from collections.abc import Iterator

from cloudhsm_settings_cli.aws import Aws
from cloudhsm_settings_cli.deployed import Deployed, deployed, service_tokens
from cloudhsm_settings_cli.stack import Stack, surroundings
from cloudhsm_settings_cli.template import RESOURCE_TYPE, Resolver


def providers(aws: Aws, stack: Stack | None) -> Iterator[Deployed]:
    """The providers that may serve `stack`, the likeliest first; without a stack all that are exported."""
    seen = set()
    for token in _tokens(aws, stack):
        if token not in seen:
            seen.add(token)
            if found := deployed(aws, token):
                yield found


def _tokens(aws: Aws, stack: Stack | None) -> Iterator[str]:
    template = stack.template if stack else None
    if stack and template:
        resolver = Resolver(template, surroundings(aws, stack, stack.parameters))
        for resource in template["Resources"].values():
            if resource.get("Type") == RESOURCE_TYPE:
                token = resolver.value((resource.get("Properties") or {}).get("ServiceToken"))
                if isinstance(token, str):
                    yield token
    yield from service_tokens(aws)
