"""Mutants of all lines that guard the same: alone each is caught by its unit test, and the life goes on without it."""

from tools.mutants.mutant import Mutant

_OPERATION, _STORE, _BACK = ("operation",), ("store",), ("rollbacks",)
_O, _S, _R = "custom_resource/operation", "custom_resource/store", "reconcile"

MUTANTS = (
    Mutant(
        "a claim takes its own record and forgets former requests",
        _S,
        "f\"Settled = {changes.value({'BOOL': True})} AND RequestId <> {me} AND SignedAt <= {latest_signed} \"\n"
        '            f"AND NOT contains(Recent, {me})"',
        "f\"Settled = {changes.value({'BOOL': True})}\"",
        _STORE,
    ),
    Mutant(
        "an end is sent before it is written, and a payment needs no write before it",
        _O,
        "        self._write()\n        self.pay()\n",
        "        self._pay()\n        self._write()\n",
        _OPERATION,
        also=((_O, "not (self._has_written and is_on_record)", "False"),),
    ),
    Mutant(
        "an operation ends twice, and goes on after its end",
        _O,
        "        if record.ended:\n            self.pay()\n            return\n",
        "",
        _OPERATION,
        also=(("custom_resource/resource", "        if operation.record.ended:\n", "        if False:\n"),),
    ),
    Mutant(
        "a rollback fails because of the cluster, wherever that is decided",
        _R,
        "if isinstance(decision, Fail):\n        wanted",
        "if False:\n        wanted",
        _BACK,
        also=(("converge", "isinstance(last, Fail) and request.rolls_back and not request.accepted", "False"),),
    ),
    Mutant(
        "a resource contests with itself",
        _S,
        "            if each.key != record.key\n",
        "",
        _STORE,
        also=(
            ("contested", 'if _declared_by(decision, other["Declared"]) not in (None, _wanted(decision))', "if True"),
        ),
    ),
)
