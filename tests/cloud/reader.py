"""A user of the local cloud who may do what `READS` lists and nothing else, and the command as that user runs it."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count

from cloudhsm_settings_cli.aws import READS
from sandbox.cloud import Cloud
from sandbox.ministack import ROOT
from tests.unit.cli.world import Ran

_names = (f"reader-{number}" for number in count())


@dataclass
class Reader:
    """Runs `cloudhsm-settings` in a process of its own; IAM denies whatever is not in `READS`, less `without`."""

    cloud: Cloud
    without: frozenset[str] = frozenset()

    @cached_property
    def environment(self) -> Mapping[str, str]:
        name, iam = next(_names), self.cloud.client("iam")
        allowed = [each for each in READS if each not in self.without]
        statement = {"Effect": "Allow", "Action": allowed, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="reads", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {
            **self.cloud.environment,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "PYTHONPATH": f"{ROOT / 'cli'}:{ROOT / 'src'}",
        }

    def run(self, *arguments: object) -> Ran:
        command = [sys.executable, "-m", "cloudhsm_settings_cli", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, check=False, capture_output=True, text=True, timeout=120
        )
        print(done.stdout, done.stderr)
        return Ran(done.returncode, done.stdout, done.stderr)
