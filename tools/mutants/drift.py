"""Mutants of the drift check: what it compares, what it leaves out, and what it says of what it did not see."""

from tools.mutants.mutant import Mutant

_D, _C, _TESTS = "drift", "drift_check", ("drift",)

MUTANTS = (
    Mutant("a type that differs is none", _D, ") if found else ()), ", ") if False else ()), ", _TESTS),
    Mutant("HSMs that lag are overlooked", _D, "*(hsm.hsm_type for hsm in lagging)", "", _TESTS),
    Mutant("HSMs on their way are drift", _D, "() if cluster.state in TYPE_CHANGING else ", "", _TESTS),
    Mutant("a retention that differs is none", _D, "if wanted in (None, cluster.retention_days):", "if True:", _TESTS),
    Mutant("a read that lags is drift", _D, "Memory.from_json(record.memory)", "Memory()", _TESTS),
    Mutant(
        "a cluster that is gone is compared", _D, "cluster is None or cluster.state in GONE", "cluster is None", _TESTS
    ),
    Mutant("another version's record is guessed at", _D, "if not record.readable:", "if False:", _TESTS),
    Mutant("deleted resources are checked", _C, "if not is_gone(record)]", "]", _TESTS),
    Mutant("a Create that failed is checked", _D, " or record.expires_at is not None", "", _TESTS),
    Mutant("operations in flight are drift", _C, "if record.ended]", "]", _TESTS),
    Mutant(
        "an operation that began since is drift", _C, "if current and current.fence == record.fence", "if True", _TESTS
    ),
    Mutant("the first empty read is believed", _C, " | self._listed(cluster_ids - found.keys())", "", _TESTS),
    Mutant("the rest of the table is not read", _C, 'if not answer.get("LastEvaluatedKey"):', "if True:", _TESTS),
    Mutant("the rest of the clusters is not read", _C, 'if not answer.get("NextToken"):', "if True:", _TESTS),
    Mutant("it reads on until it is killed", _C, "if self.seconds_left() < RESERVE:", "if False:", _TESTS),
    Mutant("what it did not reach is not counted", _C, " + bool(report.unfinished)", "", _TESTS),
    Mutant("a drifted cluster has no graph of its own", _C, ", ClusterId=finding.cluster_id)\n", ")\n", _TESTS),
)
