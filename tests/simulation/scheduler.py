"""EventBridge Scheduler: it fires each minute with jitter, twice, late, or not at all."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.agenda import Defect
from tests.simulation.boundary import Boundary, client_error

MINUTE = 60.0


@dataclass
class Schedule:
    """One schedule."""

    name: str
    event: dict[str, Any]
    starts_at: float
    ends_at: float
    created_at: float


@dataclass
class Scheduler:
    """The part of boto3's scheduler client that the provider calls, and the clock behind it."""

    boundary: Boundary
    invoke: Callable[[dict[str, Any]], None]
    created: Callable[[Schedule, str], None]
    """Told of each schedule, with its input as text."""
    schedules: dict[str, Schedule] = field(default_factory=dict)

    def create_schedule(self, **members: Any) -> dict[str, Any]:
        """CreateSchedule."""
        return self._call("CreateSchedule", lambda: self._created(members))

    def delete_schedule(self, **members: Any) -> dict[str, Any]:
        """DeleteSchedule."""

        def carry_out() -> dict[str, Any]:
            if self.schedules.pop(members["Name"], None) is None:
                raise client_error("ResourceNotFoundException", "DeleteSchedule")
            return {}

        return self._call("DeleteSchedule", carry_out)

    def polls_for(self, request_id: str) -> bool:
        """Whether a schedule of a request is left."""
        return any(each.event.get("RequestId") == request_id for each in self.schedules.values())

    def _created(self, members: dict[str, Any]) -> dict[str, Any]:
        agenda, name = self.boundary.agenda, members["Name"]
        if name in self.schedules:
            self.boundary.sometimes.saw("schedule exists already")
            raise client_error("ConflictException", "CreateSchedule")
        if members["ScheduleExpression"] != "rate(1 minute)" or members.get("ActionAfterCompletion") != "DELETE":
            raise Defect(f"a schedule that does not tidy up after itself: {members}")
        end = members["EndDate"].timestamp()
        start = members["StartDate"].timestamp() if "StartDate" in members else agenda.now
        if end <= agenda.now or len(name) > 64 or start < agenda.now - 300 or end <= start:
            raise client_error("ValidationException", "CreateSchedule", "dates or name")
        text = members["Target"]["Input"]
        schedule = Schedule(name, json.loads(text), start, end, agenda.now)
        self.schedules[name] = schedule
        self.created(schedule, text)
        agenda.at(start + self._jitter(), lambda: self._fire(schedule, 0))
        return {"ScheduleArn": f"arn:aws:scheduler:us-east-1:111122223333:schedule/{name}"}

    def _fire(self, schedule: Schedule, turn: int) -> None:
        agenda, swarm = self.boundary.agenda, self.boundary.swarm
        if self.schedules.get(schedule.name) is not schedule:
            return
        if agenda.now > schedule.ends_at:
            del self.schedules[schedule.name]
            self.boundary.sometimes.saw("schedule ended by itself")
            return
        due = schedule.starts_at + (turn + 1) * MINUTE
        agenda.at(due + self._jitter(), lambda: self._fire(schedule, turn + 1))
        if swarm.strikes("fires not", agenda.now):
            self._missed(schedule, "fires not")
            return
        if swarm.strikes("fires late", agenda.now):
            self._missed(schedule, "fires late")
            agenda.after(swarm.random.random() * 300, lambda: self.invoke(dict(schedule.event)))
            return
        self.invoke(dict(schedule.event))
        if swarm.strikes("fires twice", agenda.now):
            self.boundary.struck(None, "fires twice")
            agenda.after(swarm.random.choice((0.05, 1, 20)), lambda: self.invoke(dict(schedule.event)))

    def _missed(self, schedule: Schedule, fault: str) -> None:
        self.boundary.struck(None, fault)
        self.missed.append((self.boundary.agenda.now, schedule.event.get("RequestId", "")))

    missed: list[tuple[float, str]] = field(default_factory=list)
    """When Scheduler did not fire in time, and for which request."""

    def _jitter(self) -> float:
        return self.boundary.swarm.random.random() * 5

    def _call(self, action: str, carry_out: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        def odd() -> None:
            if self.boundary.swarm.strikes("scheduler conflict", self.boundary.agenda.now):
                self.boundary.struck(self.boundary.invocation, "scheduler conflict", at=action)
                raise client_error("ConflictException", action)

        answer: dict[str, Any] = self.boundary.call(
            "scheduler", f"scheduler:{action}", carry_out, odd=odd if action == "DeleteSchedule" else None
        )
        return answer
