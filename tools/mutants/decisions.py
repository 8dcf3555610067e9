"""Mutants of what is decided about the cluster, and of how it is carried out."""

from tools.mutants.mutant import Mutant

_RETENTION_FIRST = (
    "    if not _retention_as_declared(request, cluster):\n"
    "        return _converge_retention(request, cluster, progress, now)\n"
)
_THEN_THE_TYPE = "    if isinstance(change, ModifyHsmType):\n        return change\n"
MUTANTS = (
    Mutant(
        "a stack rollback is passed through to CloudHSM",
        "reconcile",
        'if request.settings.on_rollback == "Keep" or cluster.hsm_type != request.declared_before:',
        "if cluster.hsm_type != request.declared_before:",
    ),
    Mutant("drift becomes a migration", "reconcile", "if not request.changes_type:", "if False:"),
    Mutant(
        "success though an HSM is of another type",
        "cluster",
        'return self.hsm_type == hsm_type and all(hsm.hsm_type in ("", hsm_type) for hsm in self.live_hsms)',
        "return self.hsm_type == hsm_type",
    ),
    Mutant(
        "success before the cluster is ACTIVE",
        "reconcile",
        "settled = cluster.state == states.ACTIVE",
        "settled = True",
    ),
    Mutant(
        "a revert is taken for success",
        "reconcile",
        "        return _went_back(request, cluster, progress, now)",
        '        return Done("reverted")',
    ),
    Mutant(
        "a stale read is taken for a revert",
        "reconcile",
        "if seen_at is not None and now - seen_at >= STALE_SECONDS / 2:",
        "if True:",
    ),
    Mutant(
        "the type comes before the retention",
        "reconcile",
        _RETENTION_FIRST + _THEN_THE_TYPE,
        _THEN_THE_TYPE + _RETENTION_FIRST,
    ),
    Mutant(
        "a migration that cannot fit is begun",
        "reconcile",
        "if cluster.yet_to_become(modify.hsm_type) * SECONDS_PER_HSM > left:",
        "if False:",
    ),
    Mutant(
        "a reverted migration is asked for again",
        "reconcile",
        "if progress.unsure and not _began(cluster, asked_at):",
        "if True:",
    ),
    Mutant(
        "the deadline is forgotten",
        "reconcile",
        "return now + LONGEST_LOOK_INTERVAL > deadline_of(request, progress)",
        "return False",
    ),
    Mutant(
        "the stack is made to wait as long as the wait condition",
        "reconcile",
        "return request.handle_deadline if progress.answered else request.deadline",
        "return request.handle_deadline",
    ),
    Mutant(
        "a user turns the type back without consent",
        "reconcile",
        '    if request.settings.on_rollback == "Keep":\n        return Fail(TurnBackRefused',
        "    if False:\n        return Fail(TurnBackRefused",
    ),
    Mutant(
        "another type of the same generation counts as newer",
        "reconcile",
        "return _generation(hsm_type) > _generation(than)",
        "return _generation(hsm_type) >= _generation(than)",
    ),
    Mutant(
        "others' changes are not waited out",
        "reconcile",
        "    if cluster.state not in states.SETTLED:\n",
        "    if False:\n",
    ),
    Mutant(
        "retention is not looked at",
        "reconcile",
        "return request.settings.retention_days in (None, cluster.retention_days)",
        "return True",
    ),
    Mutant(
        "retention that is as declared is written all the same",
        "reconcile",
        "return request.settings.retention_days in (None, cluster.retention_days)",
        "return request.settings.retention_days is None",
    ),
    Mutant(
        "a change of somebody else is taken for one's own success",
        "reconcile",
        "return Fail(Conflicting(reasons.third_type(request, cluster)))",
        'return Done("a third type")',
    ),
    Mutant(
        "that the type was asked for is forgotten",
        "converge",
        "        self.progress = decision.progress\n        try:",
        "        try:",
    ),
)
