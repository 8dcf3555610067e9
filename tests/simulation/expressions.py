"""DynamoDB's condition and update expressions, as far as the provider uses them.

Anything that is not known raises: an evaluator that guesses would prove nothing.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from tests.simulation.agenda import Defect

Item = dict[str, Any]
"""Attributes in DynamoDB's own notation: {"Fence": {"N": "3"}}."""
_TOKEN = re.compile(r"\s*(<>|<=|>=|[-+=<>(),.]|[:#]?[A-Za-z_][A-Za-z0-9_]*|\[\d+\])")
Evaluated = Callable[["Scope"], Any]
Assignment = tuple[list[str], Evaluated]
Clauses = tuple[list[Assignment], list[list[str]], list[Assignment]]
"""Of an update: what is set, what is removed, and what is added."""


class NotKnown(Defect):
    """An expression that this evaluator does not know, and DynamoDB may."""


class Invalid(Exception):
    """An expression that DynamoDB refuses with a ValidationException."""


class Scope:
    """What an expression is evaluated against."""

    def __init__(self, item: Item, names: Mapping[str, str], values: Mapping[str, Any]) -> None:
        self.item, self.names, self.values = item, names, values

    def name(self, token: str) -> str:
        """The attribute's name that a token stands for."""
        return self.names[token] if token.startswith("#") else token


def holds(condition: str, item: Item, names: Mapping[str, str], values: Mapping[str, Any]) -> bool:
    """Whether `item` meets a ConditionExpression."""
    return bool(_condition(condition)(Scope(item, names, values)))


def updated(update: str, item: Item, names: Mapping[str, str], values: Mapping[str, Any]) -> Item:
    """`item` after an UpdateExpression; every operand is read from the item as it was."""
    scope = Scope(item, names, values)
    result: Item = _copy(item)
    sets, removes, adds = _update(update)
    for path, operand in sets:
        value = operand(scope)
        if value is None:
            raise Invalid("an operand does not exist in the item")
        _place(result, [scope.name(part) for part in path], value)
    for path in removes:
        _remove(result, [scope.name(part) for part in path])
    for path, operand in adds:
        before = _find(scope, path) or {"N": "0"}
        _place(result, [scope.name(part) for part in path], {"N": _number(_value(before) + _value(operand(scope)))})
    return result


@lru_cache(maxsize=1000)
def _condition(text: str) -> Evaluated:
    parser = _Parser(text)
    parsed = parser.disjunction()
    parser.end()
    return parsed


@lru_cache(maxsize=1000)
def _update(text: str) -> "Clauses":
    return _Parser(text).update()


class _Parser:
    """Recursive descent; each method returns what evaluates the part that it has read."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if not found:
                raise NotKnown(text[at:])
            self.tokens.append(found[1])
            at = found.end()
        self.at = 0

    @property
    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek
        if not token or (expected and token.upper() != expected):
            raise NotKnown(f"{expected or 'more'} expected after {' '.join(self.tokens[: self.at])}")
        self.at += 1
        return token

    def end(self) -> None:
        if self.peek:
            raise NotKnown(f"{self.peek} in {' '.join(self.tokens)}")

    def is_next(self, word: str) -> bool:
        return self.peek.upper() == word

    # Conditions ------------------------------------------------------------------------------

    def disjunction(self) -> Evaluated:
        parts = [self.conjunction()]
        while self.is_next("OR"):
            self.take()
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else lambda scope: any(part(scope) for part in parts)

    def conjunction(self) -> Evaluated:
        parts = [self.negation()]
        while self.is_next("AND"):
            self.take()
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else lambda scope: all(part(scope) for part in parts)

    def negation(self) -> Evaluated:
        if self.is_next("NOT"):
            self.take()
            inner = self.negation()
            return lambda scope: not inner(scope)
        if self.is_next("("):
            self.take()
            inner = self.disjunction()
            self.take(")")
            return inner
        return self.predicate()

    def predicate(self) -> Evaluated:
        function = self.peek
        if function in ("attribute_exists", "attribute_not_exists"):
            self.take()
            path = self.in_brackets(self.path)
            wanted = function == "attribute_exists"
            return lambda scope: (_find(scope, path) is not None) == wanted
        if function in ("contains", "begins_with"):
            self.take()
            first, second = self.in_brackets(self.pair)
            test = _contains if function == "contains" else _begins
            return lambda scope: test(first(scope), second(scope))
        left, operator = self.operand(), self.take()
        if operator not in _COMPARED:
            raise NotKnown(f"{operator} as a comparison")
        right, compare = self.operand(), _COMPARED[operator]
        return lambda scope: compare(left(scope), right(scope))

    # Updates ---------------------------------------------------------------------------------

    def update(self) -> "Clauses":
        sets: list[Assignment] = []
        removes: list[list[str]] = []
        adds: list[Assignment] = []
        while self.peek:
            clause = self.take().upper()
            self.assigned(clause, sets, removes, adds)
            while self.peek == ",":
                self.take()
                self.assigned(clause, sets, removes, adds)
        paths = [*[path for path, _ in sets], *removes, *[path for path, _ in adds]]
        if any(a[: len(b)] == b for n, a in enumerate(paths) for m, b in enumerate(paths) if n != m):
            raise Invalid("two document paths overlap")
        return sets, removes, adds

    def assigned(self, clause: str, sets: list[Assignment], removes: list[list[str]], adds: list[Assignment]) -> None:
        match clause:
            case "SET":
                path = self.path()
                self.take("=")
                sets.append((path, self.sum()))
            case "REMOVE":
                removes.append(self.path())
            case "ADD":
                adds.append((self.path(), self.operand()))
            case _:
                raise NotKnown(f"{clause} as a clause")

    def sum(self) -> Evaluated:
        left = self.operand()
        if self.peek not in ("+", "-"):
            return left
        sign = 1 if self.take() == "+" else -1
        right = self.operand()
        return lambda scope: {"N": _number(_value(left(scope)) + sign * _value(right(scope)))}

    # Operands --------------------------------------------------------------------------------

    def operand(self) -> Evaluated:
        token = self.peek
        if token.startswith(":"):
            self.take()
            return lambda scope: scope.values[token]
        if token == "if_not_exists":
            self.take()
            path, otherwise = self.in_brackets(self.path_and_operand)
            return lambda scope: found if (found := _find(scope, path)) is not None else otherwise(scope)
        if token == "list_append":
            self.take()
            first, second = self.in_brackets(self.pair)
            return lambda scope: _appended(first(scope), second(scope))
        if token == "size":
            raise NotKnown("size")
        path = self.path()
        return lambda scope: _find(scope, path)

    def path(self) -> list[str]:
        parts = [self.take()]
        if not re.fullmatch(r"#?[A-Za-z_]\w*", parts[0]):
            raise NotKnown(f"{parts[0]} as a path")
        while self.peek == ".":
            self.take()
            parts.append(self.take())
        if self.peek.startswith("["):
            raise NotKnown("an index of a list")
        return parts

    def pair(self) -> tuple[Evaluated, Evaluated]:
        first = self.operand()
        self.take(",")
        return first, self.operand()

    def path_and_operand(self) -> tuple[list[str], Evaluated]:
        path = self.path()
        self.take(",")
        return path, self.operand()

    def in_brackets(self, read: Callable[[], Any]) -> Any:
        self.take("(")
        result = read()
        self.take(")")
        return result


def _find(scope: Scope, path: list[str]) -> Any:
    found: Any = {"M": scope.item}
    for part in path:
        members = found.get("M")
        if members is None:
            return None
        found = members.get(scope.name(part))
        if found is None:
            return None
    return found


def _place(item: Item, path: list[str], value: Any) -> None:
    members = _parent(item, path)
    if members is None:
        raise Invalid("the document path is invalid for update")
    members[path[-1]] = value


def _remove(item: Item, path: list[str]) -> None:
    members = _parent(item, path)
    if members is not None:
        members.pop(path[-1], None)


def _parent(item: Item, path: list[str]) -> Item | None:
    members: Item = item
    for part in path[:-1]:
        found = members.get(part)
        if found is None or "M" not in found:
            return None
        members = found["M"]
    return members


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(each) for name, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _value(typed: Any) -> Any:
    if typed is None:
        raise Invalid("an operand does not exist in the item")
    ((kind, value),) = typed.items()
    if kind == "N":
        return float(value) if "." in value or "e" in value.lower() else int(value)
    return value


def _same(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return False
    return bool(a.keys() == b.keys() and _value(a) == _value(b))


def _comparable(a: Any, b: Any) -> bool:
    return a is not None and b is not None and a.keys() == b.keys() and next(iter(a)) in ("N", "S", "B")


def _contains(whole: Any, part: Any) -> bool:
    if whole is None or part is None:
        return False
    ((kind, members),) = whole.items()
    if kind == "L":
        return any(_same(member, part) for member in members)
    return kind in ("S", "SS") and "S" in part and part["S"] in members


def _begins(whole: Any, part: Any) -> bool:
    return whole is not None and "S" in whole and whole["S"].startswith(part["S"])


def _appended(first: Any, second: Any) -> Any:
    if first is None or second is None or "L" not in first or "L" not in second:
        raise Invalid("list_append needs two lists")
    return {"L": [*first["L"], *second["L"]]}


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": _same,
    "<>": lambda a, b: not _same(a, b),
    "<": lambda a, b: _comparable(a, b) and _value(a) < _value(b),
    "<=": lambda a, b: _comparable(a, b) and _value(a) <= _value(b),
    ">": lambda a, b: _comparable(a, b) and _value(a) > _value(b),
    ">=": lambda a, b: _comparable(a, b) and _value(a) >= _value(b),
}
