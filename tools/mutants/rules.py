"""Mutants of what becomes of the type: consent, windows, rollbacks, and what cannot end well."""

from tools.mutants.mutant import Mutant

_USER, _BACK = ("migration",), ("rollbacks",)
_M, _R = "migration", "reconcile"

MUTANTS = (
    Mutant("a rollback ignores what the update declared", _M, "    if not consents:\n", "    if False:\n", _BACK),
    Mutant(
        "consent is read from the template of before",
        _M,
        'request.former.on_rollback == "Revert"',
        'request.settings.on_rollback == "Revert"',
        _BACK,
    ),
    Mutant(
        "a rollback turns back what others changed",
        _M,
        "change is None or (change.hsm_type",
        "change is not None and (change.hsm_type",
        _BACK,
    ),
    Mutant(
        "a rollback turns back to any type",
        _M,
        "(change.hsm_type, change.previous) != (cluster.shown_type, modify.hsm_type)",
        "False",
        _BACK,
    ),
    Mutant("an earlier update's change is undone", "request", "change.is_last and ", "", _BACK),
    Mutant(
        "the change of another cluster is undone", "request", " and change.cluster_id == self.cluster_id", "", _BACK
    ),
    Mutant(
        "the rollback of a change of cluster turns back",
        "request",
        "change if is_ours and self.is_in_place else None",
        "change if is_ours else None",
        _BACK,
    ),
    Mutant(
        "a closed window is tried",
        _M,
        "if now >= expires if expires is not None else not change.window_is_open(now):",
        "if False:",
        _BACK,
    ),
    Mutant(
        "without an expiration the window is for ever",
        "history",
        "return now < self.at + ROLLBACK_WINDOW",
        "return True",
        _BACK,
    ),
    Mutant(
        "a rollback of a degraded cluster waits",
        _M,
        "    if cluster.state in states.SETTLED:\n        return Leave(",
        "    if False:\n        return Leave(",
        _BACK,
    ),
    Mutant(
        "a rollback fails because of the cluster",
        _R,
        "if isinstance(decision, Fail):\n        wanted",
        "if False:\n        wanted",
        _BACK,
    ),
    Mutant(
        "a rollback waits for what it leaves alone",
        _R,
        "return decision if is_awaited else Accepted(decision.because)",
        "return decision",
        _BACK,
    ),
    Mutant("a rollback waits for a way back that does not fit", _R, " and fits(request, cluster, asked_at)", "", _BACK),
    Mutant(
        "a rollback no longer waits once its last HSM is at work",
        _R,
        "fits(request, cluster, asked_at)",
        "fits(request, cluster, now)",
        _BACK,
    ),
    Mutant(
        "a rollback waits for another's change", _M, "    if request.rolls_back:\n        return Leave()\n", "", _BACK
    ),
    Mutant(
        "a rollback uses up a handle",
        "request",
        "return None if self.rolls_back else self.settings",
        "return self.settings",
        _BACK,
    ),
    Mutant("drift becomes a migration", _M, "    if not request.asks_for_type_anew:\n", "    if False:\n", _USER),
    Mutant(
        "Revert in an update asks for nothing",
        "request",
        "self.changes_type or (consents",
        "self.changes_type or (False",
        _USER,
    ),
    Mutant("a user turns back without consent", _M, 'if request.settings.on_rollback == "Keep":', "if False:", _USER),
    Mutant(
        "without an expiration no consent is needed",
        _M,
        "return cluster.rollback_expires_at is None or now",
        "return cluster.rollback_expires_at is not None and now",
        _USER,
    ),
    Mutant(
        "an unreadable stack turns back",
        _M,
        "if may_be_a_rollback and (request.undoes or not is_later):",
        "if False:",
        _USER,
    ),
    Mutant(
        "an unreadable stack undoes what was changed", _M, "(request.undoes or not is_later)", "not is_later", _USER
    ),
    Mutant(
        "another type of the same generation is a later one",
        _M,
        "is_later = generation(modify.hsm_type) > ",
        "is_later = generation(modify.hsm_type) >= ",
        _USER,
    ),
    Mutant(
        "a way back that is over is tried",
        _M,
        "cluster.rollback_expires_at is not None and now >= cluster.rollback_expires_at:\n        return Fail(",
        "False:\n        return Fail(",
        _USER,
    ),
    Mutant(
        "a migration that cannot fit is begun",
        _M,
        "if _seconds_needed(cluster, modify.hsm_type) > left:",
        "if False:",
        _USER,
    ),
    Mutant(
        "a cluster without HSMs takes no time",
        _M,
        "max(cluster.yet_to_become(hsm_type), 1)",
        "cluster.yet_to_become(hsm_type)",
        _USER,
    ),
    Mutant("a used handle waits again", _M, "    if request.handle_is_used:\n", "    if False:\n", _USER),
    Mutant(
        "a cluster that waits for a person is migrated",
        _M,
        "if cluster.state in states.SETTLED and cluster.state != states.ACTIVE:",
        "if False:",
        _USER,
    ),
    Mutant(
        "others' changes are not waited out",
        _M,
        "if cluster.state not in states.SETTLED and not turns_back_at_once:",
        "if False:",
        _USER,
    ),
    Mutant(
        "a running migration is asked for again",
        _M,
        "    if cluster.shown_type == wanted:\n        return _already",
        "    if False:\n        return _already",
        _USER,
    ),
    Mutant(
        "somebody's migration needs no time",
        _M,
        'if _seconds_needed(cluster, request.settings.hsm_type or "") > left:',
        "if False:",
        _USER,
    ),
    Mutant(
        "a forward request goes on in a rollback",
        _M,
        "    if request.phase in (StackPhase.ENDED, StackPhase.ROLLING_BACK):\n        return Fail(",
        "    if False:\n        return Fail(",
        _USER,
    ),
    Mutant(
        "a type is changed with the stack unread",
        _M,
        "    if request.phase is StackPhase.UNREAD:\n",
        "    if False:\n",
        _USER,
    ),
)
