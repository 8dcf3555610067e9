"""One cluster and its HSMs, changing as time passes.

The rules are those of AWS's user guide on cluster migration: the type of the cluster is the target's at once, HSMs
follow one at a time and keep their addresses, a failed migration reverts by itself and also ends ACTIVE, and the way
back is open for 24 hours from the start. https://docs.aws.amazon.com/cloudhsm/latest/userguide/cluster-migration.html
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count
from typing import Any

SECONDS_PER_HSM = 30 * 60
ROLLBACK_WINDOW = 24 * 3600
_serial = count(1)
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"


def new_id(kind: str, length: int = 11) -> str:
    """An id as the service makes them, such as "cluster-abcdefghijk"; each is given out once."""
    number = next(_serial) * 0x9E3779B97F4A7C15 % 2**55
    letters = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return f"{kind}-{''.join(letters)}"


class MigrationOutcome(StrEnum):
    """How the next migration of a cluster will end."""

    SUCCEED = "Succeed"
    REVERT = "Revert"
    """Some of the HSMs migrate, then CloudHSM goes back by itself."""
    REVERT_AT_ONCE = "RevertAtOnce"
    """CloudHSM takes the call and drops it: no poll ever sees a migration."""
    HANG = "Hang"


@dataclass
class SandboxHsm:
    """One HSM."""

    hsm_type: str
    hsm_id: str = field(default_factory=lambda: new_id("hsm"))
    eni_id: str = field(default_factory=lambda: new_id("eni", 17))
    eni_ip: str = "10.0.0.10"
    """IPv4 address; empty where it has none."""
    eni_ip_v6: str = ""
    zone: str = "us-east-1a"
    state: str = "ACTIVE"
    state_message: str = ""


@dataclass(frozen=True)
class Migration:
    """A change of type in progress; `hops` are (seconds from the start, index of the HSM, its new type)."""

    started_at: float
    hops: tuple[tuple[float, int, str], ...]
    ends_after: float
    ends_as: str
    message: str = ""
    rolls_back_after: float | None = None


@dataclass
class SandboxCluster:
    """One cluster. Times are seconds since the epoch."""

    hsm_type: str = "hsm1.medium"
    hsms: list[SandboxHsm] = field(default_factory=list)
    cluster_id: str = field(default_factory=lambda: new_id("cluster"))
    state: str = "ACTIVE"
    state_message: str = ""
    retention: dict[str, str] | None = field(default_factory=lambda: {"Type": "DAYS", "Value": "90"})
    mode: str = "FIPS"
    ip_versions: tuple[int, ...] = (4,)
    """What addresses HSMs get that are added: (4,), (4, 6), or (6,) for IPv6 alone."""
    hidden: frozenset[str] = frozenset()
    """Optional members that answers leave out, such as HsmType, Hsms.HsmType or BackupRetentionPolicy.Type."""
    created_at: float = 1_750_000_000.0
    rollback_expires_at: float | None = None
    original_type: str = ""
    source_backup_id: str = ""
    outcome: MigrationOutcome = MigrationOutcome.SUCCEED
    reverts_after: int | None = None
    """How many HSMs migrate before CloudHSM goes back by itself; half of them by default."""
    revert_message: str = "The cluster was restored to its original HSM type."
    """StateMessage after a migration that CloudHSM has turned back."""
    seconds_per_hsm: float = SECONDS_PER_HSM
    rollback_window: float = ROLLBACK_WINDOW
    """Seconds from the start of a migration in which it can be turned back."""
    migration: Migration | None = None
    busy_until: float = float("inf")
    """When somebody else's UPDATE_IN_PROGRESS ends."""
    keys_lost: bool = False
    """Whether a rollback after ACTIVE has destroyed keys made since the migration."""

    @classmethod
    def of(cls, hsms: int = 1, **members: Any) -> "SandboxCluster":
        """An ACTIVE cluster with `hsms` HSMs of its own type."""
        cluster = cls(**members)
        cluster.add_hsms(hsms)
        return cluster

    def add_hsms(self, number: int) -> None:
        """Adds HSMs of the cluster's own type."""
        for n in range(len(self.hsms), len(self.hsms) + number):
            addresses = {
                "eni_ip": f"10.0.{n}.10" if 4 in self.ip_versions else "",
                "eni_ip_v6": f"2001:db8:1234:5678::{n:x}:10" if 6 in self.ip_versions else "",
            }
            self.hsms.append(SandboxHsm(self.hsm_type, zone=f"us-east-1{'abc'[n % 3]}", **addresses))

    def activate(self, hsms: int = 1) -> None:
        """What a person does with a new cluster: an HSM, initialization, activation."""
        self.add_hsms(hsms)
        self.state = "ACTIVE"

    def move(self, hsm_type: str) -> None:
        """What AWS did by itself to clusters of a type that it has ended."""
        self.hsm_type = hsm_type
        for hsm in self.hsms:
            hsm.hsm_type = hsm_type

    def advance_to(self, now: float) -> None:
        """Lets everything happen that has happened by `now`."""
        if self.state == "UPDATE_IN_PROGRESS" and now >= self.busy_until:
            self.state = "ACTIVE"
        migration = self.migration
        if migration is None:
            return
        passed = now - migration.started_at
        for after, index, hsm_type in migration.hops:
            if passed >= after:
                self.hsms[index].hsm_type = hsm_type
        if migration.rolls_back_after is not None and passed >= migration.rolls_back_after:
            self.state, self.hsm_type = "ROLLBACK_IN_PROGRESS", migration.ends_as
        if passed >= migration.ends_after:
            self.state, self.hsm_type, self.migration = "ACTIVE", migration.ends_as, None
            self.state_message = migration.message
            for hsm in self.hsms:
                hsm.hsm_type = migration.ends_as

    def migrate(self, target: str, now: float) -> None:
        """Starts the migration to `target`."""
        original, self.original_type, self.hsm_type = self.hsm_type, self.hsm_type, target
        self.state, self.rollback_expires_at = "MODIFY_IN_PROGRESS", now + self.rollback_window
        total = len(self.hsms)
        forward = tuple(((n + 1) * self.seconds_per_hsm, n, target) for n in range(total))
        ends = max(total, 1) * self.seconds_per_hsm
        match self.outcome:
            case MigrationOutcome.SUCCEED:
                self.migration = Migration(now, forward, ends, target)
            case MigrationOutcome.HANG:
                self.migration = Migration(now, forward[: total // 2], float("inf"), target)
            case MigrationOutcome.REVERT:
                reached = forward[: total // 2 if self.reverts_after is None else self.reverts_after]
                turn = self.seconds_per_hsm / 2 + len(reached) * self.seconds_per_hsm
                back = tuple(
                    (turn + (k + 1) * self.seconds_per_hsm, n, original) for k, (_, n, _) in enumerate(reached)
                )
                end = turn + max(len(reached), 1) * self.seconds_per_hsm
                self.migration = Migration(now, reached + back, end, original, self.revert_message, turn)
            case MigrationOutcome.REVERT_AT_ONCE:
                self.migration = Migration(now, (), 0.0, original)

    def roll_back(self, now: float) -> None:
        """Starts the way back to the original type; what was made since ACTIVE is lost."""
        self.keys_lost = self.keys_lost or self.state == "ACTIVE"
        target = self.original_type
        moved = [n for n, hsm in enumerate(self.hsms) if hsm.hsm_type != target]
        hops = tuple(((k + 1) * self.seconds_per_hsm, n, target) for k, n in enumerate(moved))
        self.state, self.hsm_type = "ROLLBACK_IN_PROGRESS", target
        self.migration = Migration(now, hops, max(len(moved), 1) * self.seconds_per_hsm, target)

    def snapshot(self) -> "SandboxCluster":
        """A copy that time does not change."""
        return replace(self, hsms=[replace(hsm) for hsm in self.hsms])

    def to_api(self) -> dict[str, Any]:
        """The Cluster structure of the API, without the hidden members."""
        answer: dict[str, Any] = {
            "BackupPolicy": "DEFAULT",
            "BackupRetentionPolicy": self.retention,
            "ClusterId": self.cluster_id,
            "CreateTimestamp": self.created_at,
            "Hsms": [_hsm_to_api(hsm, self.cluster_id) for hsm in self.hsms],
            "HsmType": self.hsm_type,
            "HsmTypeRollbackExpiration": self.rollback_expires_at,
            "PreCoPassword": "Pr3CoPassw0rd" if self.state == "INITIALIZED" else None,
            "SecurityGroup": "sg-0123456789abcdef0",
            "SourceBackupId": self.source_backup_id or None,
            "State": self.state,
            "StateMessage": self.state_message or None,
            "SubnetMapping": {f"us-east-1{zone}": f"subnet-0123456789abcdef{n}" for n, zone in enumerate("abc")},
            "VpcId": "vpc-0123456789abcdef0",
            "NetworkType": "IPV4" if self.ip_versions == (4,) else "DUALSTACK",
            "Certificates": {"ClusterCsr": "-----BEGIN CERTIFICATE REQUEST-----"},
            "TagList": [],
            "Mode": self.mode,
        }
        return _without(self.hidden, {member: value for member, value in answer.items() if value is not None})


def _without(hidden: frozenset[str], answer: dict[str, Any], path: str = "") -> dict[str, Any]:
    """A structure without the members whose path is hidden."""
    if not hidden:
        return answer

    def seen(value: Any, here: str) -> Any:
        if isinstance(value, dict):
            return _without(hidden, value, f"{here}.")
        return [seen(each, here) for each in value] if isinstance(value, list) else value

    return {name: seen(value, path + name) for name, value in answer.items() if path + name not in hidden}


def _hsm_to_api(hsm: SandboxHsm, cluster_id: str) -> dict[str, Any]:
    addresses = {"EniIp": hsm.eni_ip, "EniIpV6": hsm.eni_ip_v6}
    return {
        "AvailabilityZone": hsm.zone,
        "ClusterId": cluster_id,
        "SubnetId": "subnet-0123456789abcdef0",
        "EniId": hsm.eni_id,
        **{name: address for name, address in addresses.items() if address},
        "HsmId": hsm.hsm_id,
        "HsmType": hsm.hsm_type,
        "State": hsm.state,
        "StateMessage": hsm.state_message,
    }
