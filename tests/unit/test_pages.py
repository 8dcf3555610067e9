"""Pages that say what the code says: log lines, metrics, permissions, parameters, modules, commands."""

import ast
import json
import re
from datetime import datetime
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from crhelper import CfnResource

from cloudhsm_settings.custom_resource.observability import NAMESPACE, SERVICE, logger
from cloudhsm_settings.custom_resource.resource import LOGGED, ScheduledResource
from cloudhsm_settings.decisions import Decision
from cloudhsm_settings.errors import Failure
from tools.deployed import EVERY_PARAMETER, resources, values
from tools.release.template import ROOT, TEMPLATE, load

DOCS = ROOT / "docs"
CODE = ROOT / "src" / "cloudhsm_settings"
SOURCES = {
    path.relative_to(CODE).with_suffix("").as_posix(): ast.parse(path.read_text()) for path in CODE.rglob("*.py")
}
LEVELS = {
    "logger.info": "INFO",
    "logger.warning": "WARNING",
    "logger.error": "ERROR",
    "logger.exception": "ERROR",
    "ports.warn": "WARNING",
    "self._ports.warn": "WARNING",
    "self._ports.error": "ERROR",
    "_log": "WARN",
}
"""Functions that write a line -> its level. The last one is the responder's."""
LIBRARIES = {"boto3", "botocore", "crhelper", "aws_lambda_powertools"}
MODELS = botocore.session.get_session()
# What the AWS CLI adds of its own: https://docs.aws.amazon.com/cli/latest/reference/cloudformation/
OF_THE_CLI = {
    ("cloudformation", "package"): {"template-file", "s3-bucket", "output-template-file"},
    ("cloudformation", "deploy"): {"template-file", "stack-name", "capabilities", "parameter-overrides", "role-arn"},
}


def section(page: str, heading: str) -> str:
    return (DOCS / page).read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]


def cells(text: str, column: int = 0) -> list[str]:
    """What is in backticks in one column of the tables of `text`."""
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [name for row in rows[1:] for name in re.findall(r"`([^`]+)`", row[column])]


def calls(function: str) -> list[ast.Call]:
    """All calls of a method or function of this name, in all modules."""
    nodes = [node for tree in SOURCES.values() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [node for node in nodes if ast.unparse(node.func).split("(")[0] == function]


def test_operations_lists_every_log_line_with_its_level():
    said = {
        (call.args[0].value, level)
        for method, level in LEVELS.items()
        for call in calls(method)
        if isinstance(call.args[0], ast.Constant)
    }
    # Its level depends on why.
    said |= {("standing down", "INFO"), ("standing down", "ERROR")}
    listed = set()
    for row in re.findall(r"^\| (`.+?) \| (INFO|WARNING|WARN|ERROR) \|", section("operations.md", "Log"), re.MULTILINE):
        listed |= {(message, row[1]) for message in re.findall(r"`([^`]+)`", row[0])}
    assert listed == said


def test_operations_lists_every_field_of_a_line(capsys):
    fields = set(cells(section("operations.md", "Log").split("| `message` | level")[0])) | {"message"}
    ours = {word.arg for method in LEVELS for call in calls(method) for word in call.keywords if word.arg}
    ours |= {"OtherStackId", "OtherLogicalResourceId", "OtherDeclared"}
    assert {*ours, *LOGGED} <= fields
    powertools = {"level", "timestamp", "message", "location", "service"}
    lambdas = {
        "function_name",
        "function_arn",
        "function_memory_size",
        "function_request_id",
        "cold_start",
        "xray_trace_id",
    }
    of_exceptions = {"exception", "exception_name", "stack_trace"}
    assert fields == {*ours, *LOGGED, *powertools, *lambdas, *of_exceptions, "ClusterId"}


def test_a_line_has_a_timestamp_that_lambda_reads(monkeypatch):
    lines = []
    monkeypatch.setattr(
        logger.registered_handler, "emit", lambda record: lines.append(logger.registered_formatter.format(record))
    )
    logger.warning("polling again", because="a test")
    line = json.loads(lines[0])
    assert datetime.fromisoformat(line["timestamp"]).utcoffset().total_seconds() == 0
    assert "T" in line["timestamp"]
    assert {"level", "timestamp", "message", "location", "service", "because"} <= set(line)


def test_operations_lists_every_decision():
    row = next(line for line in section("operations.md", "Log").splitlines() if line.startswith("| `decided`"))
    assert re.findall(r"`([A-Z]\w+)`", row) == [each.__name__ for each in Decision.__args__]


def counted_by_the_code() -> set[str]:
    """Every metric that is emitted."""
    counted = {
        argument.value
        for call in calls("count")
        for argument in ast.walk(call.args[0])
        if isinstance(argument, ast.Constant)
    }
    return counted | {each.outcome for each in Failure.__subclasses__()}


def test_operations_lists_every_metric():
    text = section("operations.md", "Metrics")
    assert set(cells(text)) == counted_by_the_code()
    assert f"`{NAMESPACE}`" in text
    assert f"`{SERVICE}`" in text


def actions_of(policies: list[dict[str, Any]]) -> set[str]:
    statements = [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]
    listed = [[each["Action"]] if isinstance(each["Action"], str) else each["Action"] for each in statements]
    return {action for actions in listed for action in actions}


def test_security_lists_every_permission_and_no_other():
    also = {"DriftCheck": "rate(1 day)", "SubnetIds": "subnet-1", "SecurityGroupIds": "sg-1"}
    made = {name: each.get("Properties", {}) for name, each in resources(values(**EVERY_PARAMETER, **also)).items()}
    assert set(cells(section("security.md", "What the function may do"))) == actions_of(
        [*made["FunctionRole"]["Policies"], made["DriftCheckPolicy"]]
    )
    of_responder = {"dynamodb:UpdateItem", "kms:Decrypt", "logs:CreateLogStream", "logs:PutLogEvents"}
    assert actions_of(made["ResponderRole"]["Policies"]) == of_responder
    assert actions_of([made["SchedulerPolicy"]]) == {"lambda:InvokeFunction", "kms:Decrypt"}
    allowed, denied = made["NetworkPolicy"]["PolicyDocument"]["Statement"]
    assert {action.partition(":")[0] for action in allowed["Action"]} == {"ec2"}
    assert denied["Effect"] == "Deny"
    assert set(allowed["Action"]) - set(denied["Action"]) == {"ec2:DescribeSubnets"}


def test_every_check_that_the_template_suppresses_has_a_reason():
    suppressed = re.findall(r"id: (CKV_\w+)(?:, comment: \"(.{20,})\")?", TEMPLATE.read_text())
    assert suppressed
    assert [check for check, reason in suppressed if not reason] == []


def test_install_lists_every_parameter_with_its_default():
    listed = re.findall(r"^\| `(\w+)` \| ?`?([^`|]*?)`? ?\|", section("install.md", "Parameters"), re.MULTILINE)
    parameters = load(TEMPLATE.read_text())["Parameters"]
    assert dict(listed) == {name: str(parameter.get("Default", "")) for name, parameter in parameters.items()}


def test_the_log_levels_are_lambdas():
    levels = MODELS.get_service_model("lambda").shape_for("ApplicationLogLevel").enum
    assert set(load(TEMPLATE.read_text())["Parameters"]["LogLevel"]["AllowedValues"]) <= set(levels)


def test_architecture_lists_every_module_that_imports_a_library():
    rows = re.findall(r"^\| `([\w/]+)` \| ([\w, ]+) \|$", section("architecture.md", "Modules"), re.MULTILINE)
    listed = {name: set(libraries.split(", ")) for name, libraries in rows}
    used = {}
    for name, tree in SOURCES.items():
        modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        used[name] = {module.split(".")[0] for module in modules} & LIBRARIES
    assert listed == {name: libraries for name, libraries in used.items() if libraries}


def test_every_module_says_what_it_knows():
    assert [name for name, tree in SOURCES.items() if not ast.get_docstring(tree)] == []


def test_architecture_draws_modules_that_there_are():
    drawn = section("architecture.md", "The way of a request").split("```mermaid")[1]
    nodes = set(re.findall(r"^ +(\w+)(?:\(\[.*?\]\))? (?:--|-\.)", drawn, re.MULTILINE))
    nodes |= set(re.findall(r"(?:-->|\.->) (\w+)", drawn))
    assert nodes - {"CFN", "SCH", "HSM", "TABLE"} <= {name.rpartition("/")[2] for name in SOURCES}
    known = {"handler", "resource", "operation", "store", "provider", "converge", "reconcile", "cluster", "responder"}
    assert known <= nodes


def test_a_decision_lists_every_method_of_crhelper_that_is_overridden():
    ours = {name for name, value in vars(ScheduledResource).items() if callable(value)}
    page = DOCS / "decisions" / "6-crhelper-with-its-traps-closed.md"
    listed = set(re.findall(r"`(\w+)`", " ".join(cells_of(page.read_text()))))
    assert listed == {name for name in ours if hasattr(CfnResource, name)}


def cells_of(text: str) -> list[str]:
    """The last column of the tables of `text`."""
    return [
        line.rstrip(" |").rsplit(" | ", 1)[1] for line in text.splitlines() if re.match(r"\| (?!.* overridden)", line)
    ]


def aws_commands() -> list[tuple[str, str]]:
    pages = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
    found = [
        (page.name, line)
        for page in pages
        for line in re.findall(r"^aws .+$|(?<=`)aws [^`]+(?=`)", page.read_text(), re.MULTILINE)
    ]
    assert len(found) > 5
    return found


@pytest.mark.parametrize(("page", "command"), aws_commands())
def test_every_aws_command_exists(page, command):
    service, operation = command.split()[1:3]
    options = set(re.findall(r"--([a-z0-9-]+)", command))
    if (service, operation) in OF_THE_CLI:
        assert options <= OF_THE_CLI[service, operation]
        return
    model = MODELS.get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    shape = model.operation_model(names[operation]).input_shape
    assert options <= {re.sub(r"[^a-z0-9]+", "-", xform_name(member, "-")) for member in shape.members}
