"""The rows of `sometimes` that must have a count in a run of the default size."""

from tests.simulation.swarm import FAULTS

EXPECTED: tuple[str, ...] = tuple(f"fault: {name}" for name in FAULTS)
