"""What a migration of two hours costs in AWS, at list prices of us-east-1."""

from dataclasses import dataclass

from bench.sizes import Size

DOLLARS_PER_GB_SECOND = {"arm64": 0.0000133334, "x86_64": 0.0000166667}
"""https://aws.amazon.com/lambda/pricing/ (November 2026), first tier."""
DOLLARS_PER_REQUEST = 0.20 / 1_000_000
DOLLARS_PER_SCHEDULED_INVOCATION = 1.00 / 1_000_000
"""https://aws.amazon.com/eventbridge/pricing/, beyond the free 14 million a month."""
DOLLARS_PER_READ = 0.125 / 1_000_000
DOLLARS_PER_WRITE = 0.625 / 1_000_000
"""https://aws.amazon.com/dynamodb/pricing/on-demand/: a strongly consistent read of 4 KB, a write of 1 KB."""
KB_OF_ITEM = 4
"""With two signed URLs and the properties of a template."""
WRITES = 12
"""More than a migration needs: claim, checkpoints, what is owed, what is paid, the end."""
POLLS = 120
"""One a minute for two hours."""


@dataclass(frozen=True)
class Cost:
    """Of one migration."""

    gb_seconds: float
    dollars: float


def table() -> float:
    """Dollars that DynamoDB takes for one migration of ours: a read each poll, and each write in the index too."""
    return POLLS * DOLLARS_PER_READ + WRITES * (KB_OF_ITEM + 1) * DOLLARS_PER_WRITE


def migration(size: Size, architecture: str = "arm64", *, cold_polls: bool = False, stock: bool = False) -> Cost:
    """One cold request and its polls: in the same environment, or with each in a new one, as the worst case.

    Stock has no table, and its polls come from EventBridge's scheduled rules, which cost nothing.
    """
    poll = size.poll + (size.start if cold_polls else 0)
    seconds = size.start + size.request + POLLS * poll
    gb_seconds = seconds * size.memory_size / 1024
    requests = (1 + POLLS) * DOLLARS_PER_REQUEST
    around = 0 if stock else POLLS * DOLLARS_PER_SCHEDULED_INVOCATION + table()
    return Cost(gb_seconds, gb_seconds * DOLLARS_PER_GB_SECOND[architecture] + requests + around)
