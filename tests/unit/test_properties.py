import pytest

from cloudhsm_settings.errors import InvalidProperties
from cloudhsm_settings.properties import Settings, is_cluster_id, parse, wait_condition_hosts

CLUSTER = {"ServiceToken": "arn:token", "ClusterId": "cluster-abcdefghijk"}
DAYS = {"Type": "DAYS", "Value": "30"}
HANDLE = "https://cloudformation-waitcondition-eu-west-1.s3.eu-west-1.amazonaws.com/handle?X-Amz-Signature=s3cr3t"


def faults(**properties):
    with pytest.raises(InvalidProperties) as caught:
        parse({**CLUSTER, **properties}, wait_condition_hosts("us-east-1"))
    return caught.value.faults


@pytest.mark.parametrize("value", ["7", "379", 7, 379])
def test_retention_is_taken_as_number_and_as_string(value):
    assert parse({**CLUSTER, "BackupRetentionPolicy": {"Type": "DAYS", "Value": value}}).retention_days == int(value)


@pytest.mark.parametrize("value", ["6", "380", 6, 380, "abc", "", None, "-7", "30.0", 30.0, True, " 30", "٣٠", [], {}])
def test_retention_out_of_range_is_refused(value):
    (fault,) = faults(BackupRetentionPolicy={"Type": "DAYS", "Value": value})
    assert fault.startswith("BackupRetentionPolicy.Value is ")
    assert "7 to 379" in fault


@pytest.mark.parametrize("kind", ["WEEKS", "days", "", None])
def test_retention_is_in_days_only(kind):
    (fault,) = faults(BackupRetentionPolicy={"Type": kind, "Value": "30"})
    assert fault.startswith("BackupRetentionPolicy.Type is ")


@pytest.mark.parametrize("policy", ["30", None, [], 30])
def test_retention_has_the_shape_of_the_api(policy):
    assert faults(BackupRetentionPolicy=policy)[0].startswith("BackupRetentionPolicy is ")


def test_unknown_member_of_the_retention_policy_is_named():
    (fault,) = faults(BackupRetentionPolicy={**DAYS, "Vlaue": "30"})
    assert fault == "Unknown member of BackupRetentionPolicy Vlaue: did you mean Value?"


@pytest.mark.parametrize("hsm_type", ["hsm1.medium", "hsm2m.medium", "phsm2.x.large", "hsm9z.Huge"])
def test_any_type_of_the_api_is_taken(hsm_type):
    assert parse({**CLUSTER, "HsmType": hsm_type}).hsm_type == hsm_type


@pytest.mark.parametrize("hsm_type", ["hsm2m. medium", " hsm2m.medium", "hsm2m", "", None, 2, "hsm2m." + "m" * 40])
def test_other_types_are_refused(hsm_type):
    (fault,) = faults(HsmType=hsm_type)
    assert fault.startswith("HsmType is ")


@pytest.mark.parametrize("cluster_id", ["cluster-short", "cluster-18901890189", "my-cluster", "", None, 5])
def test_malformed_cluster_id_is_refused(cluster_id):
    assert not is_cluster_id(cluster_id)
    (fault,) = faults(ClusterId=cluster_id, HsmType="hsm2m.medium")
    assert fault.startswith("ClusterId is ")


def test_missing_cluster_id_is_said_to_be_missing():
    with pytest.raises(InvalidProperties, match="ClusterId is missing"):
        parse({"HsmType": "hsm2m.medium"})


def test_neither_setting_is_refused():
    (fault,) = faults()
    assert fault.startswith("Neither HsmType nor BackupRetentionPolicy")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("HSMType", "did you mean HsmType?"),
        ("BackupRetention", "did you mean BackupRetentionPolicy?"),
        ("Colour", "known are ClusterId, HsmType"),
    ],
)
def test_unknown_property_is_named_with_the_nearest_right_one(name, hint):
    (fault,) = faults(**{"HsmType": "hsm2m.medium", name: "x"})
    assert fault.startswith(f"Unknown property {name}: {hint}")


def test_all_faults_are_named_at_once():
    named = faults(ClusterId="x", HsmType="y", BackupRetentionPolicy={"Type": "WEEKS", "Value": "6"}, Colour="red")
    assert len(named) == 5


def test_a_fault_is_shown_but_never_endlessly():
    (fault,) = faults(HsmType="x" * 4000)
    assert len(fault) < 200


@pytest.mark.parametrize("choice", ["keep", "REVERT", "", None])
def test_on_rollback_is_keep_or_revert(choice):
    (fault,) = faults(HsmType="hsm2m.medium", HsmTypeOnRollback=choice)
    assert "expected Keep or Revert." in fault
    assert ("AWS::NoValue" in fault) == (choice in (None, ""))


def test_everything_declared_is_read():
    assert parse(
        {
            **CLUSTER,
            "ServiceTimeout": "3600",
            "HsmType": "hsm2m.medium",
            "BackupRetentionPolicy": DAYS,
            "HsmTypeOnRollback": "Revert",
            "WaitConditionHandle": HANDLE,
        },
        wait_condition_hosts("eu-west-1"),
    ) == Settings("cluster-abcdefghijk", "hsm2m.medium", 30, "Revert", HANDLE)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "cloudformation-waitcondition-us-east-1.s3.amazonaws.com"),
        ("us-east-1", "cloudformation-waitcondition-us-east-1.s3-us-east-1.amazonaws.com"),
        ("us-east-1", "cloudformation-waitcondition-us-east-1.s3.dualstack.us-east-1.amazonaws.com"),
        ("us-gov-west-1", "cloudformation-waitcondition-us-gov-west-1.s3.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "cloudformation-waitcondition-cn-north-1.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_handles_of_the_own_region_are_taken_in_every_form_of_s3(region, host):
    url = f"https://{host}/handle?X-Amz-Signature=s3cr3t"
    properties = {**CLUSTER, "HsmType": "hsm2m.medium", "WaitConditionHandle": url}
    assert parse(properties, wait_condition_hosts(region)).wait_condition_handle == url


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/handle?s3cr3t",
        "https://cloudformation-waitcondition-evil.s3.amazonaws.com/?s3cr3t",
        "https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com.evil.example/?s3cr3t",
        "https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com@evil.example/?s3cr3t",
        "https://cloudformation-waitcondition-us-evil-1.s3.amazonaws.com/?s3cr3t",
        "https://cloudformation-waitcondition-us-east-1.s3.evil.amazonaws.com/?s3cr3t",
        "https://cloudformation-waitcondition-eu-west-1.s3.amazonaws.com/?s3cr3t",
        "https://user:s3cr3t@cloudformation-waitcondition-us-east-1.s3.amazonaws.com/",
        "https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com:s3cr3t/",
        "http://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/?s3cr3t",
        "s3cr3t",
        "",
        None,
        7,
    ],
)
def test_other_handles_are_refused_without_showing_the_secret(url):
    (fault,) = faults(HsmType="hsm2m.medium", WaitConditionHandle=url)
    assert fault.startswith("WaitConditionHandle points to ")
    assert "s3cr3t" not in fault


def test_hosts_of_a_sandbox_are_taken_when_named():
    url = "https://127.0.0.1:4566/handle"
    properties = {**CLUSTER, "HsmType": "hsm2m.medium", "WaitConditionHandle": url}
    assert parse(properties, frozenset({"127.0.0.1:4566"})).wait_condition_handle == url


def test_a_handle_is_not_shown_with_its_settings():
    assert "s3cr3t" not in repr(Settings("cluster-abcdefghijk", wait_condition_handle=HANDLE))
