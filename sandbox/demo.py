"""The whole story on the local cloud: deploy the provider, change retention, migrate, delete."""

from textwrap import shorten

from sandbox.cloud import Cloud
from sandbox.cloudhsm import Clock, Fleet, SandboxCluster
from sandbox.console import Console, HsmWatch
from sandbox.ministack import ROOT
from sandbox.stacks import Stacks

SPEED = 300
"""The local CloudHSM's clock runs so much faster: 30 minutes take 6 seconds."""
SECONDS_BETWEEN_POLLS = 3
STACK = "key-store"


class StoryFailed(Exception):
    """Something did not turn out as the story tells it."""


def tell(console: Console) -> None:
    """Tells the story; raises StoryFailed where it goes another way."""
    fleet = Fleet(Clock(speed=SPEED))
    console.chapter("A local cloud: CloudFormation, Lambda, Scheduler, DynamoDB, IAM and a CloudHSM in fast time")
    with Cloud(fleet, seconds_between_polls=SECONDS_BETWEEN_POLLS) as cloud:
        try:
            _tell(console, cloud, fleet)
        except Exception:
            # The directory of the cloud goes with it, so its log is kept beside the project's other caches.
            kept = ROOT / ".cache" / "demo.log"
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(cloud.log.read_bytes())
            console.line(f"The log of the local cloud is in {kept}")
            raise


def _tell(console: Console, cloud: Cloud, fleet: Fleet) -> None:
    console.line("running")
    console.chapter("The provider: sam build && sam deploy")
    console.line(f"ServiceToken {cloud.deploy_provider()}")

    cluster = fleet.seed(hsms=3, hsm_type="hsm1.medium")
    stacks = Stacks(cloud, console.event)
    with HsmWatch(console, fleet, cluster.cluster_id):
        console.chapter("A stack that declares a backup retention of 30 days (it is 90)")
        status = stacks.create(STACK, ROOT / "examples" / "retention" / "template.yaml", ClusterId=cluster.cluster_id)
        _expect(status, "CREATE_COMPLETE")

        console.chapter("The stack also declares hsm2m.medium: three HSMs migrate in place, 30 minutes each")
        console.line(
            "The stack gets its response as soon as CloudHSM accepts; Migrated1, a wait condition, holds the stack"
        )
        console.line(f"Scheduler lets the function poll every {SECONDS_BETWEEN_POLLS} s here, every minute in AWS")
        status = stacks.update(
            STACK, ROOT / "examples" / "long-migration" / "template.yaml", ClusterId=cluster.cluster_id
        )
        _expect(status, "UPDATE_COMPLETE")

    console.chapter("What the stack got")
    outputs = stacks.outputs(STACK)
    for key, value in outputs.items():
        console.line(f"{key} = {shorten(value, 100, placeholder=' ...')}")
    _expect(outputs["HsmType"], "hsm2m.medium")
    _expect(outputs["Retention"], "30")
    console.line(f"HsmType={outputs['HsmType']} BackupRetentionPolicy.Value={outputs['Retention']}")

    console.chapter("The stack is deleted, the cluster stays")
    _expect(stacks.delete(STACK), "DELETE_COMPLETE")
    _still_there(console, fleet.cluster(cluster.cluster_id))
    left = cloud.client("scheduler").list_schedules()["Schedules"]
    _expect(str(left), "[]")
    console.line(f"{fleet.count('ModifyCluster')} calls of ModifyCluster in all, no schedule left behind")


def _still_there(console: Console, cluster: SandboxCluster) -> None:
    _expect(cluster.state, "ACTIVE")
    _expect(cluster.hsm_type, "hsm2m.medium")
    console.line(f"{cluster.cluster_id} is {cluster.state}, {cluster.hsm_type}, with {len(cluster.hsms)} HSMs")


def _expect(seen: str, wanted: str) -> None:
    if seen != wanted:
        raise StoryFailed(f"expected {wanted}, got {seen}")
