"""Texts that make a pattern work as long as it can, made from its own source: what it repeats comes very often, after
what has to come before it.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

op: Any = importlib.import_module("re._constants")
parser: Any = importlib.import_module("re._parser")

_FILLINGS: Final = (" ", "\t", "\n", "a", "1", "(", "{", "[", "<", '"', "'", "/", " \n", "a\n", "a.")
_MOST_HEADS: Final = 6
_SEARCHED: Final = frozenset({"search", "finditer", "findall", "sub", "subn", "split"})
_CLASSES: Final[Mapping[Any, str]] = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W",
}


class Patterns:
    """The patterns of a package by the names that they have in it, each with what it is asked."""

    def __init__(self, package: str) -> None:
        self._sources: dict[str, str] = {}
        self.found: dict[str, tuple[re.Pattern[Any], frozenset[str]]] = {}
        root = importlib.import_module(package)
        for info in pkgutil.walk_packages(root.__path__, f"{package}."):
            module = importlib.import_module(info.name)
            self._sources[info.name] = Path(module.__file__ or "").read_text()
        every = "\n".join(self._sources.values())
        for name, source in self._sources.items():
            for constant, value in vars(importlib.import_module(name)).items():
                text = source if constant.startswith("_") else every
                for pattern in _within(value):
                    self._add(f"{name}.{constant}", pattern, _asked(constant, text))
            for line, asked, pattern in _made_in_functions(name, source):
                self._add(f"{name}:{line}", pattern, frozenset({asked}) - {"compile"})

    def _add(self, name: str, pattern: re.Pattern[Any], asked: frozenset[str]) -> None:
        known = next((key for key, (other, _) in self.found.items() if other is pattern), None)
        if known is None:
            same = sum(key.partition(" ")[0] == name for key in self.found)
            self.found[f"{name} {same}"] = (pattern, asked)
        else:
            before = self.found[known][1]
            self.found[known] = (pattern, asked | before if asked and before else frozenset())


def hostile_texts(pattern: re.Pattern[Any]) -> set[tuple[str, str]]:
    """What begins each text, and what is then repeated in it."""
    repeated: set[tuple[str, str]] = set()
    ends = _walked(parser.parse(pattern.pattern, pattern.flags), [""], repeated)
    found = {("", each) for each in _FILLINGS}
    for head, item in repeated:
        for filling in {item, " ", "a", "\n"} - {""}:
            found |= {(head, filling), (f"\n{head}", filling)}
        found |= {("", head), ("", f"{head}{item}"), ("", f"{head}\n")} if head else set()
    for end in ends:
        found |= {("", end), ("", f"{end}\n"), ("", end[:-1] or end)} if end else set()
    return found


def slowest(pattern: re.Pattern[Any], asked: frozenset[str], seconds: float) -> tuple[float, str] | None:
    """A text of 32 kB that takes more than so many seconds of a processor, and more than its length explains; None
    where there is none.
    """
    ask = _question(pattern, asked)
    for head, filling in sorted(hostile_texts(pattern)):
        short = _seconds(ask, pattern, head, filling, 4_000)
        if short < seconds / 100:
            continue
        if short < seconds * 4:
            short = min(short, _seconds(ask, pattern, head, filling, 4_000))
            long = _seconds(ask, pattern, head, filling, 32_000)
            if long < seconds or long / short < 20:
                continue
        return short, f"{head[-60:]!r} and then {filling[:60]!r} again and again"
    return None


def _question(pattern: re.Pattern[Any], asked: frozenset[str]) -> Callable[[Any], object]:
    if asked & _SEARCHED or not asked:
        return lambda text: sum(1 for _ in pattern.finditer(text))
    return pattern.fullmatch if "fullmatch" in asked else pattern.match


def _seconds(ask: Callable[[Any], object], pattern: re.Pattern[Any], head: str, filling: str, length: int) -> float:
    text = f"{head}{filling * (length // len(filling))}\0"
    given = text.encode() if isinstance(pattern.pattern, bytes) else text
    before = time.thread_time()
    ask(given)
    return time.thread_time() - before


def _within(value: object, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 4 and isinstance(value, Mapping):
        for item in value.items():
            yield from _within(item, depth + 1)
    elif depth < 4 and isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _within(each, depth + 1)
    elif depth < 4 and not isinstance(value, type) and hasattr(value, "__dataclass_fields__"):
        for each in value.__dataclass_fields__:
            yield from _within(getattr(value, each, None), depth + 1)


def _asked(constant: str, source: str) -> frozenset[str]:
    """By which methods a constant is used; none where it goes by other names, as what is in a table does."""
    name = re.escape(constant)
    asked = re.findall(rf"\b{name}\.(\w+)", source)
    aside = re.search(rf"[(,\[]\s*{name}\b(?![.\w])", source)
    return frozenset() if aside else frozenset(asked) & (_SEARCHED | {"match", "fullmatch"})


def _made_in_functions(name: str, source: str) -> Iterator[tuple[int, str, re.Pattern[str]]]:
    """What functions compile, with a word in the place of each value that they fill in."""
    values = vars(importlib.import_module(name))
    functions = (each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.FunctionDef))
    for call in (each for function in functions for each in ast.walk(function) if isinstance(each, ast.Call)):
        if not (isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "re" and call.args):
            continue
        text = "".join(_filled_in(call.args[0], values))
        flags = re.MULTILINE if "MULTILINE" in ast.unparse(call) else 0
        if text:
            yield call.lineno, call.func.attr, re.compile(text, flags)


def _filled_in(node: ast.expr, values: Mapping[str, object]) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            for part in parts:
                yield from _filled_in(part, values)
        case ast.FormattedValue(value=ast.Name(id=name)):
            known = values.get(name)
            yield known if isinstance(known, str) else "name"
        case ast.FormattedValue():
            yield "name"


def _walked(nodes: Any, heads: Sequence[str], repeated: set[tuple[str, str]]) -> list[str]:  # noqa: ANN401, C901
    """The shortest texts that go through the nodes; on the way, what is ``repeated`` after which of them."""
    for kind, given in nodes:
        heads = list(heads)[:_MOST_HEADS]
        match kind:
            case op.LITERAL:
                heads = [f"{head}{chr(given)}" for head in heads]
            case op.NOT_LITERAL:
                heads = [f"{head}{'b' if chr(given) == 'a' else 'a'}" for head in heads]
            case op.ANY:
                heads = [f"{head}a" for head in heads]
            case op.IN:
                heads = [f"{head}{_one_of(given)}" for head in heads]
            case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
                least, most, inner = given
                items = _walked(inner, [""], repeated)[:2]
                if most is op.MAXREPEAT or most > 100:
                    repeated |= {(head, item) for head in heads for item in items}
                longer = [f"{head}{item * min(max(least, 1), 5)}" for head in heads for item in items]
                heads = longer + ([] if least else list(heads))
            case op.SUBPATTERN:
                heads = _walked(given[3], heads, repeated)
            case op.ATOMIC_GROUP:
                heads = _walked(given, heads, repeated)
            case op.BRANCH:
                heads = [end for branch in given[1] for end in _walked(branch, heads[:2], repeated)[:2]]
            case op.ASSERT if given[0] > 0:
                _walked(given[1], heads, repeated)
            case op.ASSERT_NOT if given[0] > 0:
                _walked(given[1], heads, repeated)
    return list(heads)


def _one_of(members: Any) -> str:  # noqa: ANN401
    is_negated = members[0][0] is op.NEGATE
    among = members[1:] if is_negated else members
    return next(
        (each for each in "a1 \"'-.\t\n({[<=:/,;_AZ@$%#*+?!^~|\\)}]>&" if _is_in(each, among) != is_negated), "a"
    )


def _is_in(character: str, members: Any) -> bool:  # noqa: ANN401
    for kind, given in members:
        match kind:
            case op.LITERAL if chr(given) == character:
                return True
            case op.RANGE if given[0] <= ord(character) <= given[1]:
                return True
            case op.CATEGORY if re.match(_CLASSES[given], character):
                return True
    return False
