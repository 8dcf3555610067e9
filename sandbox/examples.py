"""Every directory of examples/, brought about on the local cloud by the very commands of its README."""

import re
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from textwrap import shorten

from botocore.exceptions import ClientError

from sandbox import alarms
from sandbox.cdk import bootstrap, cdk
from sandbox.cloud import REGION, SAM, Cloud, sam
from sandbox.ministack import ROOT
from sandbox.stacks import Stacks

TOOLS = {"aws": SAM.parent, "sam": SAM.parent}
"""Programs that a README may call, each with the directory in which it is."""
COMMANDS = {*TOOLS, "cd", "npm", "npx", "pip", "terraform"}
"""All that may stand in a README."""
CLUSTER = "cluster-abcdefghijk"
"""What READMEs and templates say where a reader puts the id of a cluster."""

Names = Mapping[str, str]
"""What stands in a README -> what it is on this cloud."""
Hook = Callable[[Cloud, "Example"], Names]


def seed(cloud: Cloud, example: "Example") -> Names:
    """A cluster of the example's own."""
    return {CLUSTER: cloud.fleet.seed(hsms=example.hsms).cluster_id}


def nothing(_cloud: Cloud, _example: "Example") -> Names:
    """No name to learn."""
    return {}


def all_is_well(_cloud: Cloud, _stack: str) -> str:
    """Nothing is tried."""
    return ""


@dataclass(frozen=True)
class Example:
    """One directory of examples/ and what its last stack must put out."""

    directory: str
    stack: str
    expected: Mapping[str, str]
    """Outputs; values are patterns, in which * stands for anything."""
    hsms: int = 1
    regions: Sequence[str] = (REGION,)
    """Where the stack is in the end; the first one is the region of the shell."""
    before: Hook = seed
    after_first: Hook = nothing
    """What a person does, or learns, between the first command and the second."""
    afterwards: Callable[[Cloud, str], str] = all_is_well
    """What is tried of the stack once it is deployed: what is wrong with it."""
    instead: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Beginning of a command that the local cloud does not know -> what does the same there."""

    def commands(self) -> list[str]:
        """The commands of the README, one by one."""
        text = (ROOT / "examples" / self.directory / "README.md").read_text()
        blocks = re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
        named = [command for line in lines for command in line.split(" && ")]
        return [command for each in named for command in self._known(each)]

    def _known(self, command: str) -> Sequence[str]:
        return next((self.instead[each] for each in self.instead if command.startswith(each)), [command])


@dataclass(frozen=True)
class Result:
    """How an example ended."""

    example: Example
    seconds: float
    outputs: Mapping[str, str]
    """Of the stack, in the last of its regions."""
    fault: str = ""
    """Empty when all is as expected."""

    def __str__(self) -> str:
        outputs = "  ".join(f"{name}={shorten(value, 40, placeholder='...')}" for name, value in self.outputs.items())
        verdict = "WRONG" if self.fault else "ok"
        where = ", ".join(self.example.regions)
        return f"{verdict:<6}{self.example.directory:<18} {self.seconds:5.1f} s  {where}: {self.fault or outputs}"


class Rehearsal:
    """Examples on one local cloud, whose provider is deployed."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._build = threading.Lock()
        self._built = False

    def run_all(self, examples: Sequence[Example]) -> Iterator[Result]:
        """Runs them side by side, since most of their time is waiting; results come as they end."""
        with ThreadPoolExecutor(len(examples)) as pool:
            for done in as_completed([pool.submit(self.run, each) for each in examples]):
                yield done.result()

    def run(self, example: Example) -> Result:
        """Carries out the commands of the README and compares the outputs."""
        began, outputs, fault = time.monotonic(), {}, ""
        try:
            self._deploy(example)
            for region in example.regions:
                outputs = Stacks(self._cloud, region=region).outputs(example.stack)
                fault = fault or _difference(outputs, example.expected)
            fault = fault or example.afterwards(self._cloud, example.stack)
        except Exception as error:
            fault = "\n".join([str(error), *self._failures(example)])
        return Result(example, time.monotonic() - began, outputs, fault)

    def _deploy(self, example: Example) -> None:
        names = dict(example.before(self._cloud, example))
        where = ROOT
        for number, command in enumerate(example.commands()):
            if number == 1:
                names |= example.after_first(self._cloud, example)
            match [_meant(word, names) for word in shlex.split(command)]:
                case ["cd", directory]:
                    where = ROOT / directory
                case ["sam", "build", *_] as words:
                    self._build_once(words[1:])
                case ["npx", "aws-cdk@2", *arguments]:
                    # A person would be asked about the permissions.
                    cdk(self._cloud, where, *arguments, "--require-approval=never")
                case words:
                    self._carry_out(words, example.regions[0], where)

    def _failures(self, example: Example) -> Iterator[str]:
        """What the stack's events say of it, where there is a stack."""
        for region in example.regions:
            with suppress(ClientError):
                events = Stacks(self._cloud, region=region).events(example.stack)
                yield from (f"{region} {event}" for event in events if event.status.endswith("FAILED"))

    def _carry_out(self, words: Sequence[str], region: str, where: Path) -> None:
        tool = TOOLS[words[0]] / words[0]
        environment = {**self._cloud.environment, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}
        # A person reads the change set, and says yes.
        done = subprocess.run(
            [tool, *words[1:]], cwd=where, env=environment, check=False, text=True, input="y\n", capture_output=True
        )
        if done.returncode:
            raise RuntimeError(f"{shlex.join(words)} failed:\n{done.stdout}\n{done.stderr}")

    def _build_once(self, words: Sequence[str]) -> None:
        """Several READMEs build the provider, into the same directory."""
        with self._build:
            if not self._built:
                sam(*words)
                self._built = True


def _meant(word: str, names: Names) -> str:
    for name, meant in names.items():
        word = word.replace(name, meant)
    return word


def _difference(outputs: Mapping[str, str], expected: Mapping[str, str]) -> str:
    if outputs.keys() != expected.keys():
        return f"outputs are {', '.join(outputs)}, expected {', '.join(expected)}"
    wrong = [name for name, pattern in expected.items() if not fnmatchcase(outputs[name], pattern)]
    return "; ".join(f"{name} is {outputs[name]}, expected {expected[name]}" for name in wrong)


def _seed_literally(cloud: Cloud, example: Example) -> Names:
    """The template has the ids in it."""
    template = (ROOT / "examples" / example.directory / "template.yaml").read_text()
    for cluster_id in re.findall(r"\bcluster-[a-z]{11}\b", template):
        cloud.fleet.seed(hsms=example.hsms, cluster_id=cluster_id)
    return {}


def _make_network(cloud: Cloud, example: Example) -> Names:
    """A VPC with two private subnets."""
    ec2 = cloud.client("ec2", example.regions[0])
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    made = {
        f"subnet-0123456789abcdef{n}": ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{n}.0/24")["Subnet"]["SubnetId"]
        for n in range(2)
    }
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    return {"vpc-0123456789abcdef0": vpc, "rtb-0123456789abcdef0": table, **made, **seed(cloud, example)}


def _security_group(cloud: Cloud, example: Example) -> Names:
    outputs = Stacks(cloud, region=example.regions[0]).outputs("cloudhsm-network")
    return {"sg-0123456789abcdef0": outputs["SecurityGroupId"]}


def _bootstrap(cloud: Cloud, example: Example) -> Names:
    """The account and region are bootstrapped for CDK."""
    bootstrap(cloud)
    return seed(cloud, example)


# The app runs with the constructs of this checkout, and with what make installs.
_INSTALLED: Mapping[str, Sequence[str]] = {"pip install --requirement": (), "npm ci": ()}
_TWO_REGIONS = (REGION, "us-west-2")
_MIGRATED = {"HsmType": "hsm2m.medium", "Retention": "30"}
EXAMPLES = (
    Example("settings", "cluster-settings", _MIGRATED, before=_seed_literally),
    Example("retention", "cluster-retention", {"HsmType": "hsm1.medium", "Retention": "30"}),
    Example(
        "migration",
        "cluster-migration",
        {**_MIGRATED, "PreviousHsmType": "hsm1.medium", "State": "ACTIVE", "GoingBackPossibleUntil": "20*Z"},
    ),
    Example(
        "long-migration",
        "cluster-long-migration",
        {**_MIGRATED, "Migration": '*\\"HsmType\\": \\"hsm2m.medium\\"*\\"HsmCount\\": \\"3\\"*'},
        hsms=3,
    ),
    Example(
        "native-cluster",
        "key-store",
        {**_MIGRATED, "ClusterId": "cluster-*", "State": "UNINITIALIZED"},
        before=nothing,
    ),
    Example(
        "sam-application",
        "signing-service",
        {"HsmType": "hsm2m.medium", "HsmEniIps": "10.0.0.10", "Signer": "*Signer*"},
    ),
    Example(
        "stack-sets",
        "StackSet-cluster-settings",
        {**_MIGRATED, "Region": "us-*", "ClusterId": "cluster-*"},
        regions=_TWO_REGIONS,
        before=_seed_literally,
        instead={
            "aws cloudformation create-stack-set": (),
            "aws cloudformation create-stack-instances": [
                "sam deploy --template-file examples/stack-sets/template.yaml --stack-name StackSet-cluster-settings "
                f"--region {region}"
                for region in _TWO_REGIONS
            ],
        },
    ),
    Example(
        "vpc",
        "cluster-retention",
        {"HsmType": "hsm1.medium", "Retention": "30"},
        regions=("eu-west-1",),
        before=_make_network,
        after_first=_security_group,
    ),
    Example(
        "monitoring",
        "cloudhsm-monitoring",
        {"Dashboard": "cloudhsm-monitoring-*", "TopicArn": "arn:aws:sns:*"},
        before=nothing,
        afterwards=alarms.faults_of,
    ),
    Example("cdk", "CloudHsmSettings", _MIGRATED, before=_bootstrap, instead=_INSTALLED),
    Example(
        "cdk-long-migration",
        "CloudHsmLongMigration",
        {"HsmType": "hsm2m.medium", "PreviousHsmType": "hsm1.medium"},
        hsms=3,
        before=_bootstrap,
        instead=_INSTALLED,
    ),
    Example("cdk-typescript", "CloudHsmTypeScript", _MIGRATED, hsms=2, before=_bootstrap, instead=_INSTALLED),
    Example(
        "terraform",
        "cluster-settings-terraform",
        _MIGRATED,
        hsms=3,
        # What main.tf says, as a test sees to.
        instead={
            "terraform init": (),
            "terraform apply": [
                "aws cloudformation deploy --stack-name cluster-settings-terraform --template-file template.yaml "
                f"--parameter-overrides ClusterId={CLUSTER}"
            ],
        },
    ),
)
