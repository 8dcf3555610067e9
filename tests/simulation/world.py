"""One world: every service, the real function between them, and what comes of one seed."""

import logging
import os
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from random import Random
from typing import Any, Self

os.environ.setdefault("POWERTOOLS_METRICS_DISABLED", "true")
os.environ.setdefault("AWS_REGION", "us-east-1")
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from cloudhsm_settings import reasons
from cloudhsm_settings.custom_resource import observability
from cloudhsm_settings.environment import Environment
from cloudhsm_settings.handler import wire
from cloudhsm_settings.responder import respond
from tests.simulation.agenda import START, Agenda, Defect
from tests.simulation.boundary import Boundary
from tests.simulation.cloudformation import CloudFormation
from tests.simulation.cloudhsm import NEW, OLD, CloudHsm, People
from tests.simulation.expected import SENTENCES
from tests.simulation.lambda_ import Context, Event, Lambda
from tests.simulation.oracle import Oracle, Violation
from tests.simulation.scheduler import Scheduler
from tests.simulation.sometimes import Sometimes
from tests.simulation.swarm import Swarm
from tests.simulation.table import Table
from tests.simulation.tasks import Tasks
from tests.simulation.timeline import Timeline
from tests.simulation.transport import Transport
from tests.simulation.users import Users

REQUESTS = 25
"""Requests after which the users of a world tidy up."""
LASTS = 10 * 24 * 3600.0
"""Seconds in which faults and other people come, about."""
TABLE = "records"
ENVIRONMENT = Environment.read(
    {
        "AWS_REGION": "us-east-1",
        "TABLE_NAME": TABLE,
        "SCHEDULE_GROUP": "operations",
        "SCHEDULER_ROLE_ARN": "arn:aws:iam::111122223333:role/scheduler",
    }
)
OUTLIVED = 30 * 3600.0
"""Seconds after the last Delete in which everything has to be gone."""


@dataclass
class Report:
    """What came of one or of many worlds."""

    seed: int
    requests: int = 0
    polls: int = 0
    faults: int = 0
    seconds: float = 0.0
    violations: int = 0
    text: str = ""
    """The violations, each with its timeline."""
    kinds: tuple[str, ...] = ()
    """The guarantees that were broken."""


class World:
    """A world that a seed makes."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.agenda = Agenda()
        self.tasks = Tasks(self.agenda)
        self.sometimes = Sometimes()
        self.timeline = Timeline(self.agenda)
        self.swarm = Swarm.draw(self.random)
        self.boundary = Boundary(self.agenda, self.tasks, self.swarm, self.sometimes, self.timeline)
        self.oracle = Oracle(self.boundary)
        self._build()
        self._seed_clusters()

    def _build(self) -> None:
        oracle, boundary = self.oracle, self.boundary
        self.cloudhsm = oracle.cloudhsm = CloudHsm(boundary, faultless(oracle.changed))
        self.table = oracle.table = Table(
            boundary, TABLE, faultless(oracle.written), unreadable=faultless(oracle.unreadable)
        )
        self.cloudformation = oracle.cloudformation = CloudFormation(
            boundary,
            self._invoke,
            arrived=faultless(oracle.arrived),
            signalled=faultless(oracle.signalled),
            closed=faultless(oracle.closed),
            refused=faultless(oracle.stray),
            untold=faultless(oracle.untold),
        )
        self.scheduler = oracle.scheduler = Scheduler(boundary, self._invoke, faultless(oracle.scheduled))
        self.transport = Transport(boundary, self.cloudformation.receive)
        self.function = Lambda(
            boundary,
            self._start_environment,
            self._respond,
            lambda event: self.cloudformation.by_id.get(event.get("RequestId", "")),
            deployed=self.table.written_by_another_version,
            ended=oracle.ran,
        )

    def _invoke(self, event: Event) -> None:
        self.function.invoke(event)

    def _start_environment(self) -> Callable[[Event, Context], Any]:
        resource: Callable[[Event, Context], Any] = wire(
            ENVIRONMENT,
            cloudhsm=lambda: self.cloudhsm,
            cloudformation=lambda: self.cloudformation,
            dynamodb=lambda: self.table,
            scheduler=lambda: self.scheduler,
            deliver=self.transport.deliver,
            clock=self.agenda,
        )
        return resource

    def _respond(self, record: Event, context: Context) -> None:
        respond(
            record,
            context,
            table=TABLE,
            dynamodb=lambda: self.table,
            deliver=self.transport.deliver,
            clock=self.agenda,
        )

    def _seed_clusters(self) -> None:
        random = self.random
        self.clusters = [f"cluster-{letter * 11}" for letter in "abc"[: random.choice((1, 1, 2, 3))]]
        people = People(self.cloudhsm, START + LASTS)
        self.cloudhsm.provoked = people.answer
        for cluster_id in self.clusters:
            days = random.choice(("30", "90", "90", "455", ""))
            self.cloudhsm.seed(
                cluster_id,
                random.choice((0, 1, 1, 1, 2, 3, 4)),
                hsm_type=random.choice((OLD, OLD, OLD, NEW)),
                retention={"Type": "DAYS", "Value": days} if days else None,
                state=random.choice((*["ACTIVE"] * 12, "UNINITIALIZED", "DEGRADED")),
                seconds_per_hsm=random.choice((300.0, 900.0, 1800.0)),
            )
            people.begin(cluster_id)

    def run(self) -> Report:
        """Lets everything happen, and judges it."""
        sink = Sink(self)
        with sink:
            users = Users(self.random, self.cloudformation, self.cloudhsm, self.clusters, REQUESTS)
            users.begin(self.random.choice((1, 1, 2, 3)))
            self.agenda.run()
            self.swarm.until = self.agenda.now
            self.agenda.run(self.agenda.now + OUTLIVED)
            self.table.expire()
            self.oracle.final()
        self.tasks.close()
        violations = self.oracle.violations
        return Report(
            self.seed,
            len(self.cloudformation.requests),
            self.function.polls,
            self.boundary.faults,
            self.agenda.now - START - OUTLIVED,
            len(violations),
            "\n".join(self._told(each) for each in violations),
            tuple(each.guarantee for each in violations),
        )

    def _told(self, violation: Violation) -> str:
        sent = violation.request
        # From the former request on: what went before is rarely of use.
        since = (sent.earlier or sent).sent_at - 300 if sent else 0.0
        lines = self.timeline.about(violation.subjects, since, violation.at + 600)
        who = violation.request.name if violation.request else "-"
        head = f"VIOLATION of «{violation.guarantee}» by {who}, seed {self.seed}: {violation.text}"
        replay = f"  replay: SEED={self.seed} REQUESTS=1 make simulate"
        return "\n".join((head, f"  world: {self.swarm.describe()}", *lines, replay))


def faultless(judge: Callable[..., None]) -> Callable[..., None]:
    """`judge`, whose own errors no code under test can swallow."""

    def judging(*given: Any) -> None:
        try:
            judge(*given)
        except Exception as error:
            raise Defect(f"{judge.__name__} is wrong") from error

    return judging


class Sink(logging.Handler):
    """Reads everything that a world logs, prints and counts, and searches it for secrets."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        # To format is half the work of a poll: one world in eight shows what the lines really are.
        self._formatted = world.seed % 8 == 0
        self._logger = logging.getLogger(observability.SERVICE)
        self._printed = redirect_stdout(self)

    def __enter__(self) -> Self:
        self._kept, self._level = list(self._logger.handlers), self._logger.level
        self._add_metric = observability.metrics.add_metric
        self._sentences = {name: getattr(reasons, name) for name in SENTENCES}
        for name, sentence in self._sentences.items():
            setattr(reasons, name, self._counted(name, sentence))
        self.setFormatter(self._kept[0].formatter if self._kept else None)
        self._logger.handlers[:] = [self]
        self._logger.setLevel(logging.INFO if self._formatted else logging.WARNING)
        observability.metrics.add_metric = self._count  # type: ignore[method-assign,assignment]
        self._printed.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._printed.__exit__(None, None, None)
        self._logger.handlers[:] = self._kept
        self._logger.setLevel(self._level)
        observability.metrics.add_metric = self._add_metric  # type: ignore[method-assign]
        for name, sentence in self._sentences.items():
            setattr(reasons, name, sentence)

    def emit(self, record: logging.LogRecord) -> None:
        """Searches one line."""
        self._world.sometimes.saw(f"log: {record.getMessage()[:60]}")
        if self._formatted:
            self._world.oracle.secret(self.format(record), None, "a log line")

    def write(self, text: str) -> int:
        """Searches what is printed."""
        self._world.oracle.secret(text, None, "a printed line")
        return len(text)

    def _counted(self, name: str, sentence: Callable[..., str]) -> Callable[..., str]:
        def counted(*given: Any) -> str:
            self._world.sometimes.saw(f"sentence: {name}")
            return sentence(*given)

        return counted

    def _count(self, name: str, **_: Any) -> None:
        self._world.sometimes.saw(f"metric: {name}")
        self._world.oracle.counted(name)
