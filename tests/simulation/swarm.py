"""Which faults exist in a world, and how often each strikes: drawn anew for each seed, so some are calm and some hell."""

from dataclasses import dataclass, field
from random import Random

FAULTS: dict[str, float] = {
    # A process that dies at a call, before or after it took effect.
    "kill before": 0.04,
    "kill after": 0.04,
    "slow calls": 0.3,
    "table throttled": 0.2,
    "table failed": 0.2,
    "table timed out": 0.1,
    "table lost": 0.1,
    "table repeated": 0.1,
    "scheduler throttled": 0.3,
    "scheduler failed": 0.3,
    "scheduler conflict": 0.3,
    "scheduler timed out": 0.2,
    "scheduler lost": 0.2,
    "scheduler repeated": 0.2,
    "cloudformation throttled": 0.3,
    "cloudformation timed out": 0.2,
    "cloudhsm throttled": 0.2,
    "cloudhsm failed": 0.2,
    "cloudhsm lost": 0.1,
    "cloudhsm empty": 0.05,
    "cloudhsm odd": 0.1,
    "transport failed": 0.3,
    "transport timed out": 0.2,
    "transport lost": 0.2,
    "handle refused": 0.05,
    "lambda duplicate": 0.2,
    "lambda delayed": 0.2,
    "lambda throttled": 0.2,
    "lambda deployed": 0.05,
    "lambda broken": 0.05,
    "fires twice": 0.2,
    "fires late": 0.2,
    "fires not": 0.2,
    "sent again": 0.2,
}
"""Every fault that may strike a single call or event, with its highest rate."""
OUTAGES = ("table", "scheduler", "cloudformation", "cloudhsm", "transport")
"""Services that may be down for a while."""
DENIABLE = (
    "cloudhsm:ModifyCluster",
    "cloudhsm:DescribeClusters",
    "cloudformation:DescribeStacks",
    "scheduler:CreateSchedule",
    "scheduler:DeleteSchedule",
    "dynamodb:UpdateItem",
    "dynamodb:GetItem",
    "dynamodb:Query",
)
"""Permissions that may be missing for a while."""
OPTIONAL = (
    *("HsmType", "HsmTypeRollbackExpiration", "StateMessage", "BackupRetentionPolicy", "Retention.Type"),
    *("Hsms", "Hsms.HsmType", "Hsms.State"),
)
"""Members of DescribeClusters' answer that may be missing."""
MOODS = ("calm", "one", "one", "several", "several", "hell")


@dataclass
class Window:
    """A span of time, in seconds since the epoch."""

    start: float
    end: float

    def covers(self, moment: float) -> bool:
        return self.start <= moment < self.end


@dataclass
class Swarm:
    """The faults of one world."""

    random: Random
    mood: str = "calm"
    rates: dict[str, float] = field(default_factory=dict)
    outages: tuple[str, ...] = ()
    """Services that are down now and then."""
    denied: tuple[str, ...] = ()
    """Permissions that are missing now and then."""
    windows: dict[str, Window] = field(default_factory=dict)
    """The latest time in which each of these was so."""
    lag: float = 0.0
    """Seconds by which reads of CloudHSM may lag."""
    missing: tuple[str, ...] = ()
    """Optional members that CloudHSM leaves out."""
    skew: float = 0.0
    """Seconds by which the hosts that sign URLs may differ."""
    people: float = 0.0
    """How often a day others change a cluster."""
    until: float = float("inf")
    """When faults end, so that liveness can be judged."""

    @classmethod
    def draw(cls, random: Random) -> "Swarm":
        """The faults of a world."""
        swarm = cls(random, random.choice(MOODS))
        number = {"calm": 0, "one": 1, "several": random.randint(2, 6), "hell": random.randint(8, len(FAULTS))}
        for name in random.sample(sorted(FAULTS), number[swarm.mood]):
            swarm.rates[name] = FAULTS[name] * random.choice((0.05, 0.2, 0.5, 1.0))
        if swarm.mood == "calm":
            return swarm
        swarm.lag = random.choice((0.0, 0.0, 10.0, 60.0, 119.0))
        swarm.skew = random.choice((0.0, 0.0, 0.0, 30.0))
        swarm.people = random.choice((0.0, 0.0, 1.0, 6.0, 24.0))
        if random.random() < 0.2:
            swarm.missing = tuple(random.sample(OPTIONAL, random.randint(1, 2)))
        if random.random() < 0.3:
            swarm.outages = tuple(random.sample(OUTAGES, random.randint(1, 2)))
        if random.random() < 0.2:
            swarm.denied = tuple(random.sample(DENIABLE, random.randint(1, 2)))
        return swarm

    def perhaps_begin(self, now: float) -> None:
        """Around some requests a service goes down, or a permission is missing, for a while."""
        for name in (*self.outages, *self.denied):
            if self.random.random() < 0.15:
                begins = now + self.random.choice((-1.0, 1.0, 60.0, 900.0))
                self.windows[name] = Window(begins, begins + self.random.choice((30, 300, 1800, 5400)))

    def strikes(self, fault: str, now: float) -> bool:
        """Whether `fault` hits this time."""
        rate = self.rates.get(fault)
        return rate is not None and now < self.until and self.random.random() < rate

    def is_down(self, service: str, now: float) -> bool:
        """Whether nothing of `service` can be reached."""
        return service in self.windows and self.windows[service].covers(now) and now < self.until

    def is_denied(self, permission: str, now: float) -> bool:
        """Whether the function lacks `permission`."""
        return self.is_down(permission, now)

    def describe(self) -> str:
        """The faults in one line."""
        rates = [f"{name} {rate:.3f}" for name, rate in sorted(self.rates.items())]
        down = [f"{name} down" for name in sorted(self.outages)] + [f"{name} denied" for name in sorted(self.denied)]
        traits = [f"lag {self.lag:.0f}", f"skew {self.skew:.0f}", f"people {self.people:.0f}", *self.missing]
        return f"{self.mood}: {', '.join(rates + down + traits)}"
