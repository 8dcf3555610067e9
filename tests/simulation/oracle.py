"""The guarantees of the README, each a named assertion, written without the code that they judge.

What an assertion excuses is said next to it: what nobody could have done better with what could be known.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.simulation.boundary import Boundary, Invocation, was_struck_at
from tests.simulation.cloudformation import CloudFormation, Handle
from tests.simulation.cloudhsm import Change, CloudHsm
from tests.simulation.expressions import Item
from tests.simulation.modify import judge, looks_like_a_rollback
from tests.simulation.proof import is_as_declared, not_set_back, not_turned_back, unproved
from tests.simulation.reasons import reason_class
from tests.simulation.requests import SECRET, Said, Sent
from tests.simulation.scheduler import Schedule, Scheduler
from tests.simulation.table import Key, Table

GRACE = 420.0
"""Seconds for which a fault excuses that something did not come: a poll missed, and the next one late."""
MOST_RESPONSES = 10
"""Responses by invocations that nothing hindered: an event and its duplicates, each delivered under two URLs."""
SHORTEST_WAIT = 300.0
"""A ServiceTimeout below this leaves no time for a poll that fails and the next one."""
FAST = 600.0
"""Seconds within which a rollback that leaves everything alone has its response, if nothing is in its way."""
UNDERWAY = 60.0
"""Seconds for which a request may be underway, its calls included: Lambda's first retry comes after a minute."""
SECRETS = (SECRET, "Pr3CoPassw0rd", "BEGIN CERTIFICATE")


def _is_unrecorded(said: Said) -> bool:
    """Whether its sender could not write to the table at last: it answers what it knows, and of no end."""
    tried = [each for each in said.by.done if each in ("UpdateItem", "GetItem") or was_struck_at((each[2:],), "table")]
    return bool(tried) and tried[-1].startswith("!")


def _is_excused_failure(sent: Sent, said: Said, reason: str) -> bool:
    """Whether a FAILED was due, whatever the cluster is like.

    Every attempt crashed and the responder answered; the table or Scheduler were denied to this very request, and the
    Reason says so; its record is not readable; or its stack was never readable, so nobody knew that it rolls back.
    """
    denied = ("dynamodb:UpdateItem", "dynamodb:GetItem", "scheduler:CreateSchedule")
    if not sent.is_rollback:
        denied += ("cloudhsm:DescribeClusters", "cloudhsm:ModifyCluster")
    was_denied = any(action in reason and sent.struck[f"{action} denied"] for action in denied)
    # It speaks after three attempts at one delivery; those at another one may have gone well, or on.
    by_responder = "responder" in (said.by.who, sent.ended_by) and (sent.fault_at > 0 or _is_unrecorded(said))
    is_short = sent.timeout < SHORTEST_WAIT
    unknown_direction = sent.is_rollback and sent.unread_stack and (is_short or not sent.read_stack)
    return was_denied or by_responder or sent.unreadable_at or unknown_direction


def _is_given_up(sent: Sent) -> bool:
    """Whether nobody tries it again: the responder failed for it too, or it is a Delete whose table is denied.

    A Delete succeeds without the table: a denied one is answered once, any other is tried again for the record.
    """
    return sent.lost or (sent.kind == "Delete" and sent.struck["dynamodb:UpdateItem denied"] > 0)


def _in_doubt(older: Sent, newer: Sent) -> bool:
    """Whether nobody can tell which is the newer: the older one's claim came after the newer's.

    CloudFormation numbers nothing. Signatures decide, unless clocks differ or it may have been underway until now.
    """
    if older.claimed_at is None or newer.claimed_at is None or older.claimed_at <= newer.claimed_at:
        return False
    return older.claimed_at - older.signed_at <= UNDERWAY or older.signed_at >= newer.signed_at


@dataclass(frozen=True)
class Violation:
    """A guarantee that was broken."""

    guarantee: str
    request: Sent | None
    at: float
    text: str
    subjects: tuple[str, ...] = ()


@dataclass
class Oracle:
    """Judges one world."""

    boundary: Boundary
    violations: list[Violation] = field(default_factory=list)
    about: dict[Key, str] = field(default_factory=dict)
    """The physical id of which each record is."""
    cloudformation: CloudFormation = field(init=False)
    cloudhsm: CloudHsm = field(init=False)
    scheduler: Scheduler = field(init=False)
    table: Table = field(init=False)

    @property
    def now(self) -> float:
        return self.boundary.agenda.now

    def broke(self, guarantee: str, sent: Sent | None, text: str) -> None:
        """Takes down a violation, each kind once for a request."""
        if any(each.guarantee == guarantee and each.request is sent for each in self.violations):
            return
        subjects: tuple[str, ...] = ()
        if sent is not None:
            subjects = (sent.name, sent.stack.name, sent.cluster_id)
            subjects += tuple(each.name for each in (sent.earlier, sent.later) if each is not None)
        elif self.boundary.tasks.running is not None:
            subjects = (self.boundary.invocation.subject,)
            self.boundary.timeline.note(sent.name, "ORACLE", f"{guarantee}: {text}")
        self.violations.append(Violation(guarantee, sent, self.now, text, subjects))

    # One owner, one end --------------------------------------------------------------------------

    def written(self, invocation: Invocation, key: Key, item: Item) -> None:
        """A write to the table took effect."""
        sent: Sent | None = invocation.request
        invocation.wrote_at = self.now
        if sent is None:
            self.broke("one record for each resource", None, f"an unknown event writes {key}")
            return
        if key != (sent.stack.stack_id, sent.resource.name):
            self.broke("one record for each resource", sent, f"it writes the record of {key}")
        if sent.claimed_at is None:
            sent.claimed_at, sent.claimed_by = self.now, invocation.who
        sent.read_stack = sent.read_stack or invocation.seen.get("phase", False)
        if item["Ended"]["BOOL"] and item["RequestId"]["S"] == sent.event_id:
            if sent.end_written_at is None:
                sent.end_written_at, sent.ended_by = self.now, invocation.who
                if sent.is_rollback and (why := not_turned_back(sent, self)):
                    self.broke("a Revert is carried out", sent, why)
            is_paid = item["Settled"]["BOOL"] and item["ResponsePaid"]["BOOL"]
            sent.paid_at = (sent.paid_at or self.now) if is_paid else None
        self.secret(str(item.get("Declared")), sent, "the inventory")
        former, self.about[key] = self.about.get(key), item["PhysicalResourceId"]["S"]
        lives = sent.resource.physical_id
        if sent.kind == "Delete" and lives and sent.physical_id != lives and former == lives:
            self.broke("a clean-up leaves the record alone", sent, f"it is about {lives}, not {sent.physical_id}")

    def counted(self, metric: str) -> None:
        """The function counted something."""
        sent: Sent | None = self.boundary.invocation.request
        if metric != "Contested" or sent is None:
            return
        me, theirs = (sent.stack.stack_id, sent.resource.name), {"S": sent.cluster_id}
        others = [key for key, item in self.table.items.items() if item.get("PhysicalResourceId") == theirs]
        if not set(others) - {me}:
            self.broke("nobody contests with itself", sent, f"no other resource declares {sent.cluster_id}")

    def unreadable(self, request_id: str) -> None:
        """Another version of the function wrote a record so that this one cannot read it."""
        if sent := self.cloudformation.by_id.get(request_id):
            sent.unreadable_at = self.now

    def changed(self, change: Change) -> None:
        """ModifyCluster reached CloudHSM."""
        invocation, sent = change.invocation, change.invocation.request
        effect = f"refused with {change.refused}" if change.refused else "taken"
        text = f"ModifyCluster {change.setting} {change.value}: {effect}" + (", keys lost" if change.costs_keys else "")
        self.boundary.timeline.note(invocation.subject, invocation.who, text)
        self.boundary.sometimes.saw(f"ModifyCluster {change.setting} {effect}")
        if sent is None or sent.kind == "Delete":
            self.broke("a Delete leaves the cluster alone", sent, text)
            return
        sent.changes.append(change)
        self._seen(change, sent)
        for guarantee, why in judge(change, sent, self):
            self.broke(guarantee, sent, f"{text}: {why}")
        if not change.refused:
            self.cloudhsm.touches.append((self.now, change.cluster_id, sent.name))

    def _seen(self, change: Change, sent: Sent) -> None:
        saw = self.boundary.sometimes.saw
        who = "a rollback" if sent.is_rollback else "a user"
        if change.setting == "HsmType" and not change.refused and change.before.original_type == change.value:
            saw(f"turned back by {who}" + (" during the migration" if change.before.state != "ACTIVE" else ""))
        elif change.setting == "HsmType" and not change.refused:
            saw(f"migration begun by {who}: {change.before.outcome}")
        if change.costs_keys:
            saw(f"keys lost to {who}, with consent")
        if change.setting != "HsmType" and sent.is_rollback and sent.responses:
            saw("retention set back after the rollback's response")

    def superseded_at(self, sent: Sent) -> float | None:
        """When a newer request for the same resource became its owner."""
        later = sent.later
        while later is not None:
            of_another_cluster = later.kind == "Delete" and (later.physical_id or "").startswith("cluster-")
            of_another_cluster = of_another_cluster and later.physical_id != sent.cluster_id
            if later.claimed_at is not None and not of_another_cluster and not _in_doubt(sent, later):
                return later.claimed_at
            later = later.later
        return None

    def knew_better(self, invocation: Invocation, moment: float | None) -> bool:
        """Whether an invocation could know at its last access to the table what was so since `moment`.

        A call on the wire is excused: one whose write that holds the fence came before.
        """
        return moment is not None and moment < self.now and (not invocation.wrote_at or invocation.wrote_at > moment)

    # Responses and signals -----------------------------------------------------------------------

    def arrived(self, sent: Sent, said: Said) -> None:
        """A response reached CloudFormation."""
        self.boundary.sometimes.saw(f"response: {'rollback ' if sent.is_rollback else ''}{sent.kind} {said.status}")
        self._well_formed(sent, said)
        said.by.responded = said.by.request is sent
        former = [each for each in sent.responses[:-1] if each.status != said.status]
        if former and not (sent.unreadable_at or _is_unrecorded(said) or _is_unrecorded(former[0])):
            self.broke("one end", sent, f"{former[0].status} and then {said.status}")
        if sent.kind != "Delete":
            self._on_record(sent, said)
        if self.boundary.swarm.mood == "calm" and len(sent.responses) > 1:
            self.broke("one response", sent, "a second response though nothing went wrong")
        if said.status == "FAILED":
            self._failed(sent, said)
            if sent.end_written_at is not None:
                # An end that could not be written is known to nobody else.
                sent.ended_at = sent.ended_at or self.now
            return
        # What nobody waits for any more is not read either.
        counts = sent.over_at is None
        if sent.kind != "Delete" and counts and (why := unproved(sent, said, self)):
            self.broke("SUCCESS is proved", sent, why)
        if not (sent.is_rollback or sent.handle or looks_like_a_rollback(sent)):
            sent.ended_at = sent.ended_at or self.now
        if sent.is_rollback and counts:
            self._rolled_back(sent, said)

    def _rolled_back(self, sent: Sent, said: Said) -> None:
        turns_back = any(each.setting == "HsmType" for each in sent.changes)
        waited = said.at - max(sent.sent_at, sent.fault_at)
        if waited > FAST and not turns_back:
            self.broke("a rollback does not wait", sent, f"SUCCESS only after {waited:.0f} seconds")
        if why := not_set_back(sent, self):
            self.broke("a rollback sets the retention back", sent, why)

    def _on_record(self, sent: Sent, said: Said) -> None:
        """What is owed is written before it is sent, and sent by the owner."""
        item = self.table.items.get((sent.stack.stack_id, sent.resource.name), {})
        is_owner = item.get("RequestId", {}).get("S") == sent.event_id
        if is_owner and "Response" not in item and not (sent.unreadable_at or _is_unrecorded(said)):
            self.broke("owed before it is paid", sent, f"{said.status} is not on record")
        if said.by.request is sent and not _is_unrecorded(said) and self.knew_better(said.by, self.superseded_at(sent)):
            self.broke("one owner", sent, f"responds {said.status} though it was superseded")

    def _well_formed(self, sent: Sent, said: Said) -> None:
        body = said.body
        ids = (body.get("StackId"), body.get("RequestId"), body.get("LogicalResourceId"))
        if ids != (sent.stack.stack_id, sent.event_id, sent.resource.name):
            self.broke("a response names its request", sent, str(ids))
        if len(str(body).encode()) > 4600:
            self.broke("a response is small enough", sent, f"{len(str(body))} characters")
        self.secret(str(body), sent, "a response")
        if self.boundary.swarm.skew == 0 and said.at > sent.sent_at + sent.timeout and said.by.faults == 0:
            self.boundary.sometimes.saw("a response too late")
        right = sent.cluster_id if said.status == "SUCCESS" and sent.kind != "Delete" else sent.physical_id
        if right and body["PhysicalResourceId"] != right:
            self.broke("the physical id is right", sent, f"{body['PhysicalResourceId']}, not {right}")

    def _failed(self, sent: Sent, said: Said) -> None:
        self.boundary.sometimes.saw(f"reason: {reason_class(said.body.get('Reason', ''))}")
        if sent.kind == "Delete":
            self.broke("a Delete succeeds", sent, said.body.get("Reason", ""))
        reason = said.body.get("Reason", "")
        invalid = "HsmTypes" in sent.properties
        if sent.kind == "Delete" or sent.over_at is not None or invalid or _is_excused_failure(sent, said, reason):
            return
        if sent.is_rollback:
            self.broke("a rollback never fails", sent, reason)
        elif self._was_as_declared(sent):
            self.broke("as declared is never an error", sent, reason)

    def _was_as_declared(self, sent: Sent) -> bool:
        """Whether the cluster was as declared from before the request until now."""
        known = sent.cluster_id in self.cloudhsm.history
        # An empty list is believed the second time; a time that is up was used up by faults until its end.
        was_empty = sent.struck["cloudhsm empty"] > 1
        kept_busy = sent.fault_at > self.now - GRACE and self.now > sent.sent_at + sent.timeout - GRACE
        if (
            not known
            or was_empty
            or kept_busy
            or self.boundary.swarm.missing
            or self.cloudhsm.touched_since(sent.sent_at - 300, sent.cluster_id)
        ):
            return False
        moments = (sent.sent_at - 300, self.now)
        return all(is_as_declared(sent, self.cloudhsm.as_of(sent.cluster_id, moment)) for moment in moments)

    def signalled(self, handle: Handle, said: Said) -> None:
        """A signal reached a wait condition."""
        sent = self._signaller(handle, said.by)
        self.boundary.sometimes.saw(f"signal: {said.status}")
        self.secret(str(said.body), sent, "a signal")
        if sent is None:
            self.broke("a signal belongs to a request", None, f"{said.status} by {said.by.subject}")
            return
        former = [each for each in sent.signals if each.status != said.status]
        shared = sum(each.handle == handle.url for each in self.cloudformation.requests) > 1
        # What was on its way when the record turned unreadable cannot be called back.
        underway = sent.unreadable_at is not None and said.by.wrote_at < sent.unreadable_at
        if former and not (shared or underway or _is_unrecorded(former[0])):
            self.broke("one end", sent, f"signal {former[0].status} and then {said.status}")
        if self.boundary.swarm.mood == "calm" and sent.signals and not shared:
            self.broke("one signal", sent, "a second signal though nothing went wrong")
        if said.status == "SUCCESS" and not sent.signals and not shared:
            is_read = handle.armed_at is not None or sent.over_at is None
            if is_read and handle.signal is None and (why := unproved(sent, said, self, by_signal=True)):
                self.broke("SUCCESS is proved", sent, f"signal: {why}")
            superseded_at = self.superseded_at(sent)
            # What was owed when a newer request took over is still paid, as it is on record.
            was_owed = superseded_at is not None and (sent.end_written_at or self.now) <= superseded_at
            if self.knew_better(said.by, superseded_at) and said.by.request is sent and not was_owed:
                self.broke("one owner", sent, "signals SUCCESS though it was superseded")
        sent.signals.append(said)
        if not shared and said.by.request is sent and sent.end_written_at is not None:
            sent.ended_at = sent.ended_at or self.now

    def _signaller(self, handle: Handle, by: Invocation) -> Sent | None:
        """Whose wait condition it is: of the request itself, of one before it, or of a later one that died."""
        for direction in ("earlier", "later"):
            sent: Sent | None = by.request
            while sent is not None and sent.handle != handle.url:
                sent = getattr(sent, direction)
            if sent is not None:
                return sent
        return None

    # Secrets -------------------------------------------------------------------------------------

    def secret(self, text: str, sent: Sent | None, where: str) -> None:
        """Searches `text` for what must not be told."""
        for secret in SECRETS:
            if secret in text:
                self.broke("no secret is told", sent, f"{where}: {text[:300]}")

    def scheduled(self, schedule: Schedule, text: str) -> None:
        """A schedule was created."""
        sent = self.cloudformation.by_id.get(schedule.event.get("RequestId", ""))
        self.secret(text, sent, "a schedule")
        if set(schedule.event) != {"CrHelperPoll", "StackId", "LogicalResourceId", "RequestId"}:
            self.broke("a schedule carries the key alone", sent, str(sorted(schedule.event)))
        if sent is not None and schedule.ends_at > self.now + 48 * 3600:
            self.broke("nothing outlives its use", sent, "a schedule of more than two days")

    def stray(self, invocation: Invocation, url: str) -> None:
        """Something was sent to a URL that CloudFormation never made."""
        self.broke("nothing is sent elsewhere", invocation.request, url.partition("?")[0])

    # Liveness ------------------------------------------------------------------------------------

    def ran(self, invocation: Invocation, trouble: str) -> None:
        """An invocation ended."""
        if invocation.request is not None and not trouble and not invocation.faults:
            self._ran_cleanly(invocation, invocation.request)
        if invocation.who == "responder" and trouble and invocation.is_last and invocation.request is not None:
            invocation.request.lost = True
        if trouble not in ("", "Killed", "Transient", "Runtime.ExitError"):
            self.broke("no exception escapes", invocation.request, trouble)

    def _ran_cleanly(self, invocation: Invocation, sent: Sent) -> None:
        sent.clean_runs += 1
        sent.clean_responses += invocation.responded
        if sent.clean_responses > MOST_RESPONSES:
            self.broke("one response", sent, f"number {sent.clean_responses} though nothing hinders it")
        # Whoever paid may be about to delete the schedule.
        is_over = sent.paid_at is not None and sent.paid_at + UNDERWAY < invocation.started_at and sent.later is None
        if invocation.who == "poll" and is_over and self.scheduler.polls_for(sent.event_id):
            # A twin of it may have been quicker, and be about to delete it.
            sent.schedule_left += 1
            if sent.schedule_left > 2:
                self.broke("nothing outlives its use", sent, "polls of what has ended leave their schedule")

    def closed(self, sent: Sent) -> None:
        """CloudFormation waits no more; `outcome` is None when no response came."""
        excused = self._seems_older(sent) or self._excused(sent, self.now) or self._answered_before(sent)
        if sent.outcome is None and sent.timeout >= SHORTEST_WAIT and not excused:
            self.broke("every request has its response in time", sent, f"none after {sent.timeout:.0f} seconds")

    def _answered_before(self, sent: Sent) -> bool:
        """Whether it was answered under its first URL, and sent again while an older request took over in doubt."""
        is_again = len(sent.urls) > 1 and bool(sent.responses)
        return is_again and sent.earlier is not None and _in_doubt(sent.earlier, sent)

    def _seems_older(self, sent: Sent) -> bool:
        """Whether clocks differ, and the request before it was signed later, or made its claim later."""
        earlier = sent.earlier
        if earlier is None or not self.boundary.swarm.skew:
            return False
        # An update and its rollback name each other: what came before them would tell, if it were on record.
        # What the responder alone has claimed is there without its properties.
        before = earlier.earlier
        is_unknown = before is None or before.claimed_at is None or before.claimed_by == "responder"
        is_unknown = is_unknown or (before.earlier is not None and _in_doubt(before.earlier, before))
        signed_before = earlier.signed_last_at > sent.signed_at and (sent.fault_at > 0 or is_unknown)
        return _in_doubt(earlier, sent) or signed_before

    def _excused(self, sent: Sent, until: float) -> bool:
        missed = any(who == sent.event_id and until - GRACE < at <= until for at, who in self.scheduler.missed)
        return missed or sent.lost or sent.fault_at > until - GRACE

    def untold(self, handle: Handle) -> None:
        """A wait condition timed out without any signal."""
        owner = next(each for each in self.cloudformation.requests if each.name == handle.owner)
        if not owner.refused and not self._excused(owner, owner.sent_at + 43200):
            self.broke("what is owed is paid", owner, "the wait condition timed out without a signal")

    def final(self) -> None:
        """Everything is over, faults ended long ago, and a day has passed."""
        for sent in self.cloudformation.requests:
            handle = self.cloudformation.handles.get(sent.handle or "")
            # Whoever takes over owes it too: lost is what the responder of the last owner has failed for.
            lost = sent.lost or (sent.later is not None and _is_given_up(sent.later))
            if handle is None or handle.owner != sent.name or sent.signals or lost or sent.refused:
                continue
            # The responder knows no handles: what it alone has claimed, or failed, was not accepted, and nobody waits.
            by_responder = handle.armed_at is None and any(each.by.who == "responder" for each in sent.responses)
            if by_responder or sent.claimed_by in ("", "responder") or self._excused(sent, sent.sent_at + 43200):
                continue
            self.broke("what is owed is paid", sent, "its wait condition was never signalled")
        for schedule in self.scheduler.schedules.values():
            self.broke("nothing outlives its use", self._of(schedule.event), f"schedule {schedule.name}")
        for (stack_id, name), item in sorted(self.table.items.items()):
            last = self.cloudformation.latest.get((stack_id, name))
            # Of a stack that cannot be read nobody knows whether a Delete is of all of it, or cleans up a former cluster.
            # Nor does the responder, which reads none.
            by_responder = last is not None and any(each.by.who == "responder" for each in last.responses)
            unknown = last is not None and (by_responder or (last.unread_stack and not last.read_stack))
            is_another = last is not None and item["PhysicalResourceId"]["S"] != last.physical_id
            unknown = unknown and last is not None and (is_another or last.claimed_at is None)
            excused = last is not None and (_is_given_up(last) or unknown or self._seems_older(last))
            if last is None or (last.kind == "Delete" and not excused):
                self.broke("nothing outlives its use", last, f"a record: {sorted(item)}")

    def _of(self, event: dict[str, Any]) -> Sent | None:
        return self.cloudformation.by_id.get(event.get("RequestId", ""))
