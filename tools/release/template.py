"""template.yaml as data: short forms of intrinsic functions are read as what they are applied to."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
TEMPLATE = ROOT / "template.yaml"
SERVERLESS_REPO = "AWS::ServerlessRepo::Application"


class _Loader(yaml.SafeLoader):
    """PyYAML knows no `!Ref` and its like."""


def _intrinsic(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None


_Loader.add_multi_constructor("!", _intrinsic)


def load(text: str) -> dict[str, Any]:
    """A template's sections by name."""
    template: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader that also knows tags
    return template


def metadata() -> dict[str, Any]:
    """What the Serverless Application Repository is told about the application.

    https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-template-publishing-applications-metadata-properties.html
    """
    section: dict[str, Any] = load(TEMPLATE.read_text())["Metadata"][SERVERLESS_REPO]
    return section
