"""How far the HSMs are: a bar for each, and when the last one will be done. Pure.

CloudHSM tells no times. They come from the moments at which a poll, or `watch` itself, saw one HSM more of the new
type. HSMs are counted, not recognised: whether a replaced HSM keeps its id is not documented.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cloudhsm_settings import cluster as states
from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.migration import SECONDS_PER_HSM
from cloudhsm_settings_cli.watch.observed import Sighting

_DEVIATION = 600
"""Seconds by which an HSM may take longer or shorter than documented, before two of them were measured."""
_LEAST_DEVIATION = 300


@dataclass(frozen=True)
class Bar:
    """One HSM. `seconds` it took, or has taken so far; None where that is not known, or before its turn."""

    hsm_type: str
    done: bool
    seconds: float | None = None
    state: str = states.ACTIVE


@dataclass(frozen=True)
class Progress:
    """The HSMs of a cluster whose type is being changed, or of one at rest."""

    bars: tuple[Bar, ...]
    """Those that are done first, then the one at work, then those before their turn."""
    done: int
    ends_at: float | None = None
    """About when the last one is done; None when nothing is changed."""
    margin: float = 0.0
    """Seconds by which `ends_at` may be wrong, either way."""


def progress(cluster: Cluster, target: str, began_at: float | None, seen: Sequence[Sighting], now: float) -> Progress:
    """The bars of `cluster` on its way to `target`, which began at `began_at`; without a target it is at rest."""
    live = cluster.live_hsms
    if not target:
        return Progress(tuple(Bar(hsm.hsm_type, done=True, state=hsm.state) for hsm in live), len(live))
    finished = [hsm for hsm in live if hsm.hsm_type == target and hsm.in_service]
    waiting = [hsm for hsm in live if hsm not in finished]
    moments = _moments(target, began_at, seen)
    durations = [after - before for before, after in pairwise(moments)]
    since = moments[len(finished)] if len(finished) < len(moments) else None
    done = [
        Bar(hsm.hsm_type, done=True, seconds=durations[n] if n < len(durations) else None, state=hsm.state)
        for n, hsm in enumerate(finished)
    ]
    working = [
        Bar(hsm.hsm_type, done=False, seconds=now - since if n == 0 and since is not None else None, state=hsm.state)
        for n, hsm in enumerate(waiting)
    ]
    ends_at, margin = _estimate(durations[: len(finished)], len(waiting), since, now)
    return Progress((*done, *working), len(finished), ends_at, margin)


def _moments(target: str, began_at: float | None, seen: Iterable[Sighting]) -> list[float]:
    """When it began, and when each further HSM was first seen to be of the new type; as far as that is known."""
    if began_at is None:
        return []
    moments = [began_at]
    for sighting in seen:
        if sighting.at >= began_at and sighting.state in states.TYPE_CHANGING | {states.ACTIVE}:
            number = sighting.hsm_types.get(target, 0)
            moments += [sighting.at] * (number + 1 - len(moments))
    return moments


def _estimate(
    durations: Sequence[float], remaining: int, since: float | None, now: float
) -> tuple[float | None, float]:
    if remaining == 0:
        return now, 0.0
    # HSMs that were seen done together were done between two sightings: their mean is what was measured.
    mean = sum(durations) / len(durations) if durations else SECONDS_PER_HSM
    deviation = max(abs(each - mean) for each in durations) if len(durations) > 1 else _DEVIATION
    spent = 0.0 if since is None else now - since
    left = max(mean - spent, 0.0) + (remaining - 1) * mean
    return now + left, remaining * max(deviation, _LEAST_DEVIATION if len(durations) > 1 else _DEVIATION)
