"""Routers: an operation is written as a function, with its rule and its words beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from inspect import getdoc
from types import NoneType
from typing import Any, Generic, Required, TypeVar, Unpack, get_args, get_origin, get_type_hints

from typing_extensions import TypedDict

from headway.api.inputs import Input, expected_of
from headway.api.operation import Call, Kind, Nothing, Operation, Ready
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun, Permission
from headway.kernel.dataclass import dataclass

N = TypeVar("N")  # what the operations of a router need
I = TypeVar("I", bound=Input)  # noqa: E741 - an input
O = TypeVar("O")  # noqa: E741 - an output
Handler = Callable[[N, Call[I]], Awaitable[O]]


class Rule(TypedDict, total=False):
    """Who may call an operation: the lowest role, and the scope that the key needs (None: any key will do). What it is
    about and whether that lies in a project is as its router has it, unless it is said; with ``glimpse`` it is enough
    to have been given something in that project. What is ``careful`` is confirmed by who has signed in. ``input`` and
    ``summary`` are for what is made in a loop.
    """

    least: Required[Role]
    scope: Required[Scope | None]
    resource: Noun
    in_project: bool
    glimpse: bool
    careful: bool
    input: type[Input]
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A router over what its operations need. ``title`` says what the router is about."""

    name: str
    title: str
    operations: tuple[Operation, ...]


class Router(Generic[N]):
    """The operations whose names begin with one word. Each is a function of what they all need and of a call: the types
    of its input and of its answer are those of the function, the first line of its docstring is its summary, the rest
    its description. A router that is written in several files has its ``title`` in one of them.
    """

    def __init__(self, name: str, title: str = "", *, resource: Noun, in_project: bool = True) -> None:
        self.name = name
        self._title = title
        self._resource = resource
        self._in_project = in_project
        self._written: list[tuple[Operation, Handler[N, Any, Any]]] = []

    def query(self, name: str, **rule: Unpack[Rule]) -> Callable[[Handler[N, I, O]], Handler[N, I, O]]:
        """An operation that only reads."""
        return self._writing(Kind.QUERY, name, rule)

    def mutation(self, name: str, **rule: Unpack[Rule]) -> Callable[[Handler[N, I, O]], Handler[N, I, O]]:
        """An operation that changes something."""
        return self._writing(Kind.MUTATION, name, rule)

    def starter(self, name: str, **rule: Unpack[Rule]) -> Callable[[Handler[N, I, O]], Handler[N, I, O]]:
        """A mutation that queues a deployment; ``call.once`` goes to the ledger."""
        return self._writing(Kind.MUTATION, name, rule, starts_work=True)

    def uploader(self, name: str, **rule: Unpack[Rule]) -> Callable[[Handler[N, I, O]], Handler[N, I, O]]:
        """A starter whose body is a form with a file, or the file itself; ``call.upload`` is what came."""
        return self._writing(Kind.MUTATION, name, rule, starts_work=True, uploads=True)

    def over(self, needs: N) -> Routed:
        """The operations over what they need."""
        made = (replace(each, answer=partial(handler, needs)) for each, handler in self._written)
        return Routed(name=self.name, title=self._title, operations=tuple(made))

    def _writing(
        self, kind: Kind, name: str, rule: Rule, *, starts_work: bool = False, uploads: bool = False
    ) -> Callable[[Handler[N, I, O]], Handler[N, I, O]]:
        def write(handler: Handler[N, I, O]) -> Handler[N, I, O]:
            taken, output = _types(handler)
            taken = rule.get("input", taken)
            summary, description = _words(handler)
            operation = Operation(
                name=f"{self.name}.{name}",
                kind=kind,
                summary=rule.get("summary", summary),
                description=description,
                permission=self._permission(name, rule),
                input=taken,
                output=output,
                answer=_unbound,
                expected=expected_of(taken),
                starts_work=starts_work,
                uploads=uploads,
            )
            self._written.append((operation, handler))
            return handler

        return write

    def _permission(self, name: str, rule: Rule) -> Permission:
        return Permission(
            name=f"{self.name}.{name}",
            noun=rule.get("resource", self._resource),
            least=rule["least"],
            scope=rule["scope"],
            in_project=rule.get("in_project", self._in_project),
            glimpse=rule.get("glimpse", False),
            careful=rule.get("careful", False),
        )


def joined(name: str, parts: Sequence[Routed]) -> Routed:
    """One router of several that are written in a file each."""
    return Routed(
        name=name,
        title=next((each.title for each in parts if each.title), ""),
        operations=tuple(operation for each in parts for operation in each.operations),
    )


async def _unbound(_call: Call[Any]) -> object:
    raise RuntimeError("an operation is called over what its router needs")


def _types(handler: Callable[..., object]) -> tuple[type[Input], Any]:
    """What a handler takes and what it answers. Raises TypeError where its annotations do not say so."""
    written = handler.func if isinstance(handler, partial) else handler
    hints = get_type_hints(written)
    output = hints.pop("return")
    taken = [each for each in hints.values() if get_origin(each) is Call]
    if len(taken) != 1:
        raise TypeError(f"{written!r} takes no call, or several")
    (given,) = get_args(taken[0])
    if get_origin(output) is Ready:
        (output,) = get_args(output)
    return given, None if output in {NoneType, Nothing} else output


def _words(handler: Callable[..., object]) -> tuple[str, str]:
    """The first line of its docstring without the full stop, and the rest."""
    written = handler.func if isinstance(handler, partial) else handler
    summary, _, description = (getdoc(written) or "").partition("\n")
    return summary.removesuffix("."), description.strip()
