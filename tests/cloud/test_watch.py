"""`cloudhsm-settings watch` beside real stacks: on a terminal and without one, denied, interrupted, begun again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.ministack import ROOT
from sandbox.stacks import Stacks
from tests.cloud.permissions import eventually
from tests.cloud.test_cancelled import FINISHED, SECONDS_AT_MOST, SLOW
from tests.cloud.test_rollbacks import NEW, OLD, template

pytestmark = [pytest.mark.cloud, pytest.mark.weekly]
LONG = ROOT / "examples" / "long-migration" / "template.yaml"
READS = (
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:GetTemplate",
    "cloudformation:ListExports",
    "cloudformation:ListStackResources",
    "cloudhsm:DescribeClusters",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "lambda:GetFunctionConfiguration",
    "logs:FilterLogEvents",
)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cloudhsm_settings_cli", "watch", *arguments]


def environment(cloud, **credentials: str) -> dict[str, str]:
    path = os.pathsep.join(str(ROOT / each) for each in ("cli", "src"))
    return {**cloud.environment, "PYTHONPATH": path, "COLUMNS": "150", **credentials}


def piped(cloud, *arguments: str, **credentials: str) -> subprocess.Popen:
    return subprocess.Popen(
        command(*arguments),
        env=environment(cloud, **credentials),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=200)
    print(out, err)
    return process.returncode, out, err


@contextmanager
def on_a_terminal(cloud, *arguments: str) -> Iterator[tuple[subprocess.Popen, list[bytes]]]:
    terminal, theirs = os.openpty()
    shown: list[bytes] = []
    with subprocess.Popen(
        command(*arguments), env=environment(cloud), stdin=theirs, stdout=theirs, stderr=theirs
    ) as run:
        os.close(theirs)
        try:
            yield run, shown
            while True:
                try:
                    chunk = os.read(terminal, 65536)
                except OSError:
                    break
                if not chunk:
                    break
                shown.append(chunk)
        finally:
            os.close(terminal)


def only(cloud, *allowed: str) -> dict[str, str]:
    """Credentials of a user who may do this and nothing else."""
    iam, name = cloud.client("iam"), f"reader-{len(allowed)}"
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": list(allowed), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="reads", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def begin(cloud, fleet, stacks, name):
    """A stack whose three HSMs are being migrated, one with each move of the clock."""
    cluster = fleet.seed(hsms=3, seconds_per_hsm=SLOW)
    assert stacks.create(name, template(cluster.cluster_id, **OLD)) == "CREATE_COMPLETE"
    parameters = [{"ParameterKey": "ClusterId", "ParameterValue": cluster.cluster_id}]
    cloud.client("cloudformation").update_stack(StackName=name, TemplateBody=LONG.read_text(), Parameters=parameters)
    assert eventually(lambda: fleet.cluster(cluster.cluster_id).state == "MODIFY_IN_PROGRESS", SECONDS_AT_MOST)
    return cluster


@pytest.fixture(scope="module")
def turned_back(cloud) -> tuple[str, subprocess.Popen]:
    """What was seen first of an update that is cancelled under Revert, and who goes on watching it."""
    fleet, stacks, client = cloud.fleet, Stacks(cloud), cloud.client("cloudformation")
    cluster = fleet.seed(seconds_per_hsm=SLOW)
    assert stacks.create("turned-back", template(cluster.cluster_id, **OLD)) == "CREATE_COMPLETE"
    body = template(cluster.cluster_id, **NEW, HsmTypeOnRollback="Revert")
    client.update_stack(StackName="turned-back", TemplateBody=body)
    assert eventually(lambda: fleet.cluster(cluster.cluster_id).state == "MODIFY_IN_PROGRESS", SECONDS_AT_MOST)
    watching = piped(cloud, "turned-back", "--interval", "1")
    assert watching.stdout is not None
    first = watching.stdout.readline() + watching.stdout.readline()
    client.cancel_update_stack(StackName="turned-back")
    assert eventually(lambda: fleet.cluster(cluster.cluster_id).state == "ROLLBACK_IN_PROGRESS", SECONDS_AT_MOST)
    fleet.clock.advance(FINISHED)
    return first, watching


@pytest.mark.usefixtures("turned_back")  # it ends meanwhile
def test_a_migration_watched_by_several_people(cloud, fleet, stacks):
    cluster = begin(cloud, fleet, stacks, "watched")
    allowed = [each for each in READS if each != "logs:FilterLogEvents"]
    with on_a_terminal(cloud, "watched", "--interval", "1") as (screen, shown):
        first = piped(cloud, "watched", "--interval", "1")
        assert first.stdout is not None
        assert first.stdout.readline()
        first.send_signal(signal.SIGINT)
        code, _, err = ended(first)
        assert (code, "The change goes on" in err) == (130, True)
        second = piped(cloud, "watched", "--interval", "1")
        code, out, err = ended(piped(cloud, "watched", "--once", "--json", **only(cloud, *allowed)))
        assert code == 2
        state = json.loads(out)
        assert (state["state"], state["hsm_type"], state["poll"]) == ("MODIFY_IN_PROGRESS", "hsm2m.medium", None)
        assert "logs:FilterLogEvents is denied" in err
        fleet.clock.advance(FINISHED)
        code, out, err = ended(second)
        assert (code, err) == (0, "")
        assert "Migrated1 CREATE_IN_PROGRESS" in out
        assert "polled" in out
        assert out.splitlines()[-1].endswith("SUCCESS   UPDATE_COMPLETE")
    text = b"".join(shown).decode()
    assert screen.returncode == 0
    assert "\x1b[" in text
    for part in ("watched/Settings", "aws cloudhsmv2 modify-cluster", "the type stays hsm2m.medium (Keep)", "SUCCESS"):
        assert part in text
    assert "https://" not in text + out
    again, out, _ = ended(piped(cloud, "--cluster", cluster.cluster_id, **only(cloud, *READS)))
    assert (again, "SUCCESS" in out) == (0, True)


def test_a_migration_that_is_turned_back_ends_with_three(turned_back):
    first, watching = turned_back
    code, out, _ = ended(watching)
    assert code == 3
    assert "UPDATE_IN_PROGRESS" in first
    assert "with the former type" in out
    assert "Resource update cancelled" in out
