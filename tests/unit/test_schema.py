"""The schema is the function's own definition, and cfn-lint with it finds mistakes where they are."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from cloudhsm_settings.attributes import attributes
from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.custom_resource.event import ENVELOPE
from cloudhsm_settings.errors import InvalidProperties
from cloudhsm_settings.properties import PROPERTIES, RETENTION_DAYS, parse, wait_condition_hosts
from cloudhsm_settings.request import Progress
from tools import schema

ROOT = schema.ROOT
MISTAKES = Path(__file__).with_name("mistakes.yaml")
SCHEMA = json.loads(schema.PATH.read_text())
VALIDATOR = Draft7Validator(
    {**SCHEMA, "properties": {name: SCHEMA["properties"][name] for name in (*ENVELOPE, *PROPERTIES)}}
)


def cfn_lint(*templates: Path, where: Path = ROOT) -> list[dict]:
    command = [Path(sys.executable).with_name("cfn-lint"), "--format", "json", "--", *map(str, templates)]
    done = subprocess.run(command, cwd=where, check=False, capture_output=True, text=True)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_the_file_is_what_the_code_defines():
    assert schema.PATH.read_text() == schema.text(), "run `make generate`"


def test_it_is_a_json_schema():
    Draft7Validator.check_schema(SCHEMA)
    lists = ("readOnlyProperties", "writeOnlyProperties", "createOnlyProperties", "primaryIdentifier")
    named = {pointer for keyword in lists for pointer in SCHEMA[keyword]}
    assert named <= {f"/properties/{name}" for name in SCHEMA["properties"]}


def test_its_properties_are_those_of_the_code_and_of_the_reference():
    reference = re.findall(r"^`(\w+)`\n: ", (ROOT / "docs" / "resource.md").read_text(), re.MULTILINE)
    read_only = {pointer.removeprefix("/properties/") for pointer in SCHEMA["readOnlyProperties"]}
    writable = [name for name in SCHEMA["properties"] if name not in read_only]
    assert writable == [*ENVELOPE, *PROPERTIES]
    assert sorted(writable) == sorted([*reference, "ServiceToken"])


def test_its_attributes_are_those_of_the_function():
    sys.path.insert(0, str(ROOT / "schema" / "rules"))
    try:
        from cloudhsm_cluster_settings import Attributes
    finally:
        sys.path.remove(str(ROOT / "schema" / "rules"))
    assert sorted(Attributes()._known) == sorted(attributes(Cluster("", ""), Progress()))


@pytest.mark.parametrize("write", [int, str, "{:04}".format])
def test_its_retention_is_the_range_of_the_function(write):
    taken = [
        days
        for days in range(1000)
        if VALIDATOR.is_valid(properties(BackupRetentionPolicy={"Type": "DAYS", "Value": write(days)}))
    ]
    assert taken == list(RETENTION_DAYS)


def properties(**declared) -> dict:
    return {"ServiceToken": "arn:token", "ClusterId": "cluster-abcdefghijk", **declared}


def nearly(*good: object) -> st.SearchStrategy:
    """Good values, and all kinds of others."""
    others = st.none() | st.booleans() | st.integers(0, 400) | st.text("cluster-hm.2xß ", max_size=20) | st.just([])
    return st.sampled_from(good) | others


HANDLE = "https://cloudformation-waitcondition-eu-west-1.s3.eu-west-1.amazonaws.com/handle"
POLICIES = st.fixed_dictionaries(
    {}, optional={"Type": nearly("DAYS"), "Value": nearly("7", "379", 7, 379), "Vlaue": st.just("30")}
)
DECLARED = st.fixed_dictionaries(
    {},
    optional={
        "ClusterId": nearly("cluster-abcdefghijk", "cluster-2345672345672345"),
        "HsmType": nearly("hsm2m.medium", "phsm2.x.large", f"hsm2m.{'m' * 27}"),
        "BackupRetentionPolicy": POLICIES | nearly("DAYS"),
        "HsmTypeOnRollback": nearly("Keep", "Revert"),
        "WaitConditionHandle": nearly(HANDLE, "https://evil.example/handle"),
        "HsmTyp": st.just("hsm2m.medium"),
    },
)


@given(DECLARED)
@example({"HsmType": "hsm2m.medium"})
@example({"BackupRetentionPolicy": {"Type": "DAYS", "Value": "30"}, "WaitConditionHandle": HANDLE})
def test_it_takes_what_the_function_takes_and_nothing_else(declared):
    try:
        parse(properties(**declared), wait_condition_hosts("eu-west-1"))
        taken = True
    except InvalidProperties:
        taken = False
    assert VALIDATOR.is_valid(properties(**declared)) == taken


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-3", "us-gov-west-1", "cn-north-1"])
def test_it_takes_a_handle_of_every_region_in_each_form(region):
    for host in wait_condition_hosts(region):
        assert VALIDATOR.is_valid(properties(HsmType="hsm2m.medium", WaitConditionHandle=f"https://{host}/handle"))


@pytest.mark.parametrize(
    "host",
    [
        "cloudformation-waitcondition-eu-west-1.s3.eu-west-2.amazonaws.com",
        "cloudformation-waitcondition-eu-west-1.s3.evil.amazonaws.com",
        "cloudformation-waitcondition-eu-west-1.s3.amazonaws.com.evil.example",
        "another-bucket.s3.eu-west-1.amazonaws.com",
    ],
)
def test_it_takes_no_other_handle(host):
    assert not VALIDATOR.is_valid(properties(HsmType="hsm2m.medium", WaitConditionHandle=f"https://{host}/handle"))


def test_cfn_lint_reports_every_mistake_on_its_line_and_nothing_else():
    planted = {
        number: mistake.groups()
        for number, line in enumerate(MISTAKES.read_text().splitlines(), start=1)
        if (mistake := re.search(r"  # ([EW]\d{4}): (.+)$", line))
    }
    found = cfn_lint(MISTAKES)
    assert [each["Location"]["Start"]["LineNumber"] for each in found] == sorted(planted)
    for each in found:
        rule, words = planted[each["Location"]["Start"]["LineNumber"]]
        assert each["Rule"]["Id"] == rule, each
        assert words in each["Message"]


def test_cfn_lint_has_no_word_against_the_examples():
    assert cfn_lint(*sorted((ROOT / "examples").glob("*/*.yaml"))) == []


def test_a_copy_beside_other_templates_does_the_same(tmp_path):
    shutil.copytree(ROOT / "schema", tmp_path / "schema")
    (snippet,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "linting.md").read_text(), re.DOTALL)
    (tmp_path / ".cfnlintrc.yaml").write_text(snippet)
    assert cfn_lint(MISTAKES, where=tmp_path) == cfn_lint(MISTAKES)
