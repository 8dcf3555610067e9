"""What can be known of a template before it is deployed: the schema of the resource, and rules for cfn-lint."""

from pathlib import Path

TYPE_NAME = "Custom::CloudHSMClusterSettings"
PATH = Path(__file__).with_name("custom-cloudhsmclustersettings.json")
"""The schema as a file, in the shape of the CloudFormation registry; `make schema` writes it."""
RULES = Path(__file__).with_name("rules")
"""Directory for `cfn-lint --append-rules`."""
