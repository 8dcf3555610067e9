"""Mutants of how an operation goes on and ends: reads that lag, deadlines, refusals, what is remembered."""

from tools.mutants.mutant import Mutant

_GENERAL, _END = ("reconcile",), ("following",)
_LIVES, _CARRIED = ("state_machine",), ("converge",)
_M, _R = "migration", "reconcile"

MUTANTS = (
    Mutant(
        "a type that is not shown is asked for",
        _M,
        'if cluster.shown_type == "" and not request.rolls_back:',
        "if False:",
        _GENERAL,
    ),
    Mutant(
        "a policy without a type is another one",
        "cluster",
        'self.retention_type in ("", "DAYS")',
        'self.retention_type == "DAYS"',
        _GENERAL,
    ),
    Mutant(
        "an HSM that lags is no matter",
        "cluster",
        "return self.shown_type == hsm_type and not self.lagging(hsm_type)",
        "return self.shown_type == hsm_type",
        _END,
    ),
    Mutant("one empty read is believed", _R, "if since is not None and now - since >= patience:", "if True:", _GENERAL),
    Mutant("an empty read ends a running migration", _R, "patience = LAG if", "patience = 1 if", _GENERAL),
    Mutant(
        "retention is set for a stack that has turned",
        _R,
        "    if not request.rolls_back and request.phase in (StackPhase.ENDED, StackPhase.ROLLING_BACK):\n",
        "    if False:\n",
        _GENERAL,
    ),
    Mutant(
        "retention is set with an old stack unread",
        _R,
        "if request.phase is StackPhase.UNREAD and not request.is_fresh and not request.accepted:",
        "if False:",
        _GENERAL,
    ),
    Mutant(
        "retention is asked for again",
        _R,
        "asked_at is not None and (progress.retention_answered or now - asked_at < LAG)",
        "False",
        _GENERAL,
    ),
    Mutant(
        "retention that is as declared is written",
        _R,
        "return request.settings.retention_days in (None, cluster.retention_days)",
        "return request.settings.retention_days is None",
        _GENERAL,
    ),
    Mutant(
        "ModifyCluster comes after the deadline",
        _R,
        "if now + _TIME_TO_CALL > deadline_of(request):",
        "if False:",
        _GENERAL,
    ),
    Mutant(
        "the deadline is forgotten", _R, "if now + LONGEST_POLL_INTERVAL > deadline_of(request):", "if False:", _GENERAL
    ),
    Mutant(
        "the stack waits as long as the wait condition",
        _R,
        "return request.handle_deadline if request.accepted else request.deadline",
        "return request.handle_deadline",
        _GENERAL,
    ),
    Mutant(
        "success before the cluster is ACTIVE",
        _R,
        "if cluster.state == states.ACTIVE and cluster.is_wholly(wanted):",
        "if cluster.is_wholly(wanted):",
        _END,
    ),
    Mutant(
        "a stale read is a revert",
        _R,
        "if since is None or now - since < LAG or now - asked_at < LAG:",
        "if False:",
        _END,
    ),
    Mutant("two stale reads are a revert", _R, "now - since < LAG or now", "now - since < 60 or now", _END),
    Mutant(
        "a reverted migration is asked for again",
        _R,
        "if not progress.hsm_type_answered and not _began(cluster, asked_at):",
        "if True:",
        _END,
    ),
    Mutant(
        "a call that was never made is not made",
        _R,
        "if not progress.hsm_type_answered and not _began(cluster, asked_at):",
        "if False:",
        _END,
    ),
    Mutant(
        "a third type is a revert",
        _R,
        "if progress.previous_hsm_type and cluster.shown_type != progress.previous_hsm_type:",
        "if False:",
        _END,
    ),
    Mutant(
        "acceptance comes before the change is seen",
        _R,
        " and not request.accepted and cluster.shown_type == wanted:",
        " and not request.accepted:",
        _END,
    ),
    Mutant(
        "the type comes before the record", "converge", "        self.around.checkpoint(progress, memory)\n", "", _LIVES
    ),
    Mutant(
        "an own change is taken for the last one for ever",
        "history",
        "self.is_last and (undoes or",
        "self.is_last or (undoes or",
        ("history",),
    ),
    Mutant(
        "any rollback undoes the change",
        "history",
        "undoes = digest_of(properties) == self.before and digest_of(old) == self.after",
        "undoes = True",
        ("history",),
    ),
    Mutant(
        "a lagging read is believed",
        "history",
        "            cluster = replace(cluster, hsm_type=change.hsm_type, state=state)\n",
        "            pass\n",
        ("history",),
    ),
    Mutant(
        "a refusal of something else is final",
        "converge",
        "            if first:\n",
        "            if False:\n",
        _CARRIED,
    ),
    Mutant("a refusal is never final", "converge", "first = self._unasked.refusals == 0", "first = True", _CARRIED),
    Mutant(
        "a throttled call counts as made",
        "converge",
        "if isinstance(error, Transient) and error.had_no_effect:",
        "if False:",
        _CARRIED,
    ),
    Mutant(
        "a stack that has turned is not asked again",
        "converge",
        "        if self.request.phase is not phase:\n            return\n",
        "",
        _CARRIED,
    ),
    Mutant(
        "an unreadable stack is waited for until the end",
        "converge",
        "if self.progress.unreadable >= _MOST_UNREADABLE:",
        "if False:",
        _CARRIED,
    ),
    Mutant(
        "a refused rollback fails",
        "converge",
        "if isinstance(last, Fail) and request.rolls_back and not request.accepted:",
        "if False:",
        _CARRIED,
    ),
    Mutant("a stack cleaning up is going forward", "stack", 'or "CLEANUP" in status or', "or", ("stack",)),
)
