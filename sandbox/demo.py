"""The story of most people on the local cloud, then a rehearsal of the next change of type."""

import json

from sandbox.cloud import Cloud
from sandbox.cloudhsm import Clock, Fleet, SandboxCluster
from sandbox.console import Console, HsmWatch
from sandbox.ministack import ROOT
from sandbox.stacks import Stacks

SPEED = 450
"""The local CloudHSM's clock runs so much faster: 30 minutes take 4 seconds."""
SECONDS_BETWEEN_POLLS = 2
NATIVE = """
Resources:
  Cluster:
    Type: AWS::CloudHSM::Cluster
    DeletionPolicy: Retain
    Properties: {SubnetIds: [subnet-0123456789abcdef0], Mode: FIPS, HsmType: hsm1.medium}
Outputs:
  ClusterId: {Value: !GetAtt Cluster.ClusterId}
"""
"""A cluster as a template of some years ago declares it."""


class StoryFailed(Exception):
    """Something did not turn out as the story tells it."""


def tell(console: Console) -> None:
    """Tells the story on a cloud of its own; raises StoryFailed where it goes another way."""
    fleet = Fleet(Clock(speed=SPEED))
    console.chapter("A local cloud: CloudFormation, Lambda, a CloudHSM")
    with Cloud(fleet, seconds_between_polls=SECONDS_BETWEEN_POLLS) as cloud:
        try:
            console.line("running; sam builds and deploys the provider ...")
            cloud.deploy_provider()
            console.line("deployed: the stack exports its ServiceToken")
            Story(console, cloud).tell()
        except Exception:
            # The directory of the cloud goes with it, so its log is kept beside the project's other caches.
            kept = ROOT / ".cache" / "demo.log"
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(cloud.log.read_bytes())
            console.line(f"The log of the local cloud is in {kept}")
            raise
    console.chapter("Try next, your own template: make rehearse TEMPLATE=it.yaml")


class Story:
    """What happens on a cloud whose provider is deployed."""

    def __init__(self, console: Console, cloud: Cloud) -> None:
        self._console, self._cloud, self._fleet = console, cloud, cloud.fleet
        self._stacks = Stacks(cloud, console.event)

    def tell(self) -> None:
        """All chapters; raises StoryFailed."""
        moved = self._be_moved()
        self._fear_the_native_type()
        self._correct_it_here(moved)
        rehearsed = self._rehearse()
        self._delete(moved, rehearsed)

    def _be_moved(self) -> SandboxCluster:
        self._console.chapter("Years ago: a template says HsmType: hsm1.medium")
        refused, self._fleet.not_created = self._fleet.not_created, frozenset()
        self._expect(self._stacks.create("key-store", NATIVE), "CREATE_COMPLETE")
        self._fleet.not_created = refused
        cluster = self._fleet.cluster(self._stacks.outputs("key-store")["ClusterId"])
        cluster.activate(2)
        self._console.cluster(cluster)

        self._console.chapter("March 2026: AWS ends hsm1.medium, moves the cluster")
        cluster.move("hsm2m.medium")
        self._console.cluster(cluster)
        return cluster

    def _fear_the_native_type(self) -> None:
        self._console.chapter("Correct that line in AWS::CloudHSM::Cluster?")
        corrected = NATIVE.replace("hsm1.medium", "hsm2m.medium")
        for change in self._stacks.changes("key-store", corrected):
            self._console.line(f"change   {change.logical_id:<16} {change.action}, Replacement: {change.replacement}")
            self._expect(change.replacement, "True")
        self._console.line("a new, empty cluster would replace it: not executed")

    def _correct_it_here(self, cluster: SandboxCluster) -> None:
        self._console.chapter("Declare it here: hsm2m.medium, retention 30 days")
        self._console.line(f"before   Retention {cluster.retention['Value'] if cluster.retention else 'unmanaged'}")
        template = (ROOT / "examples" / "settings" / "template.yaml").read_text()
        declared = template.replace("cluster-abcdefghijk", cluster.cluster_id)
        self._expect(self._stacks.create("declared", declared), "CREATE_COMPLETE")
        self._outputs("declared", HsmType="hsm2m.medium", Retention="30")
        self._calls(cluster, HsmType=0, BackupRetentionPolicy=1)

    def _rehearse(self) -> SandboxCluster:
        self._console.chapter("A rehearsal of the next change of type: three HSMs")
        self._console.line("hsm1.medium to hsm2m.medium, which is history")
        self._console.line("a wait condition, Migrated1, holds the stack")
        cluster = self._fleet.seed(hsms=3)
        template = ROOT / "examples" / "long-migration" / "template.yaml"
        with HsmWatch(self._console, self._fleet, cluster.cluster_id):
            status = self._stacks.create("rehearsal", template, ClusterId=cluster.cluster_id)
        self._expect(status, "CREATE_COMPLETE")
        # Data of a wait condition is JSON, by the ids of the signals.
        (signal,) = json.loads(self._stacks.outputs("rehearsal")["Migration"]).values()
        proved = json.loads(signal)
        self._console.line(f"signal   HsmType {proved['HsmType']}, HsmCount {proved['HsmCount']}")
        self._calls(cluster, HsmType=1, BackupRetentionPolicy=1)
        return cluster

    def _delete(self, *clusters: SandboxCluster) -> None:
        self._console.chapter("Stacks are deleted, clusters stay")
        quietly = Stacks(self._cloud)
        for stack in ("declared", "rehearsal"):
            status = quietly.delete(stack)
            self._console.line(f"stack    {stack:<16} {status}")
            self._expect(status, "DELETE_COMPLETE")
        for cluster in clusters:
            self._console.cluster(cluster)
            self._expect(f"{cluster.state} {cluster.hsm_type}", "ACTIVE hsm2m.medium")
        self._expect(str(self._cloud.client("scheduler").list_schedules()["Schedules"]), "[]")
        self._console.line("no schedule is left behind")

    def _outputs(self, stack: str, **expected: str) -> None:
        outputs = self._stacks.outputs(stack)
        self._expect(str(outputs), str(expected))
        self._console.line("outputs  " + ", ".join(f"{name} {value}" for name, value in outputs.items()))

    def _calls(self, cluster: SandboxCluster, **expected: int) -> None:
        """What ModifyCluster was called for, as far as this cluster is concerned."""
        calls = [call.members for call in self._fleet.calls if call.operation == "ModifyCluster"]
        ours = [members for members in calls if members["ClusterId"] == cluster.cluster_id]
        made = {member: sum(member in members for members in ours) for member in expected}
        self._expect(str(made), str(expected))
        for member, number in made.items():
            self._console.line(f"called   ModifyCluster with {member}: {number}")

    @staticmethod
    def _expect(seen: str, wanted: str) -> None:
        if seen != wanted:
            raise StoryFailed(f"expected {wanted}, got {seen}")
