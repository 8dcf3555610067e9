"""What `watch` says, in words: the same on the screen and in lines. Pure."""

from datetime import UTC, datetime

from cloudhsm_settings_cli.watch.hsms import Bar
from cloudhsm_settings_cli.watch.view import View


def clock(moment: float) -> str:
    """The time of day in UTC: "19:03Z"."""
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%MZ")


def day_and_clock(moment: float) -> str:
    """With the day: "02 Dec 17:31Z"."""
    return datetime.fromtimestamp(moment, UTC).strftime("%d %b %H:%MZ")


def lasting(seconds: float) -> str:
    """A duration: "22 s", "29 min", "1 h 05 min"."""
    if seconds < 90:
        return f"{max(round(seconds), 0)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def what_runs(view: View) -> str:
    """Whose operation it is, since when, and until when: the first line."""
    parts = [view.subject, view.request_type, view.stack_status]
    if view.started_at is not None and view.ended is None:
        parts.append(f"since {clock(view.started_at)}, {lasting(view.now - view.started_at)}")
    if view.deadline is not None:
        parts.append(f"{view.deadline_of} until {clock(view.deadline)}")
    return "   ".join(each for each in parts if each)


def last_poll(view: View) -> str:
    """When the provider polled and what it decided; empty where no poll is due or known."""
    poll = view.poll
    if poll is None:
        return ""
    if poll.at is None:
        return "no poll was seen" + (": look at the provider's log and schedules" if poll.silent else " yet")
    said = f"polled {lasting(view.now - poll.at)} ago: {poll.decision}"
    return said + (", and none since: look at the provider's log and schedules" if poll.silent else "")


def state_of_cluster(view: View) -> str:
    """State and StateMessage of the cluster."""
    message = f' ("{view.state_message}")' if view.state_message else ""
    return f"{view.state}{message}" if view.state else ""


def bar(each: Bar) -> str:
    """One HSM: "hsm2m done 29 min"."""
    kind = each.hsm_type.partition(".")[0] or "type not shown"
    state = f" {each.state}" if each.state != "ACTIVE" else ""
    took = f" {lasting(each.seconds)}" if each.seconds is not None else ""
    return f"{kind}{state} done{took}" if each.done else f"{kind}{state} .....{took}"


def how_far(view: View) -> str:
    """How many HSMs are done, and when the last one will be; empty while nothing is changed."""
    hsms = view.hsms
    if hsms.ends_at is None:
        return ""
    margin = f" (+- {lasting(hsms.margin)})" if hsms.margin else ""
    return f"{hsms.done} of {len(hsms.bars)}, end about {clock(hsms.ends_at)}{margin}"


def going_back(view: View) -> str:
    """Until when and at what price one can go back; empty where one cannot."""
    way = view.way_back
    if way is None:
        return ""
    until = f" until {day_and_clock(way.until)}" if way.until is not None else ""
    later = f"; {way.later}" if way.later else ""
    return f"way back to {way.hsm_type}{until}: now {way.price}{later}"


def ending(view: View) -> str:
    """How it ended; empty while it goes on."""
    if view.ended is None:
        return ""
    name = view.ended.code.name
    why = f": {view.ended.why}" if view.ended.why else ""
    return f"{'SUCCESS' if name == 'DONE' else name}   {view.ended.what}{why}"
