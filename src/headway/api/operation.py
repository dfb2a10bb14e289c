"""The registry of procedures: what can be called, what each takes and gives, from which every wire is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from headway.core.access.audit import Entry
from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.deployments.once import Once, Queued, once
from headway.domains.catalog.uploads_model import Upload
from headway.faces.http.inputs import Input, expected_of
from headway.faces.http.issues import Expected
from headway.faces.http.platform import Platform
from headway.faces.http.rules import RULES
from headway.faces.http.secret_values import encoded_for, shown_to, unveiled
from headway.kernel.events import CallAnswered
from headway.reactions.webhooks.watching import check_patterns

I = TypeVar("I", bound=Input)  # noqa: E741 - an input


class Kind(StrEnum):
    """Whether a procedure only reads (GET) or changes something (POST)."""

    QUERY = "query"
    MUTATION = "mutation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[I]):
    """One call of a procedure: who makes it, with what, and its request's headers (names in lower case). ``once`` is
    given where the procedure starts work and the caller sent an Idempotency-Key, ``upload`` where it takes one.
    """

    actor: Actor
    permission: Permission
    platform: Platform
    input: I
    headers: Mapping[bytes, bytes]
    once: Once | None = None
    upload: Upload | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """An answer whose JSON is there already, with headers of its own. ``tag`` changes whenever the body does, for
    whoever may have it already; without one the body is looked at.
    """

    body: bytes
    tag: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """An answer without a body, with headers of its own."""

    headers: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Stream(Protocol):
    """An answer that comes bit by bit."""

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the request until the end or until the reader has gone."""
        ...


class File(Stream, Protocol):
    """A stream of plain text that has a size, so that a range of it can be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """A procedure as a value. ``output`` is the type of its answer (None: it has none; Stream or File: bit by bit);
    ``answer`` gives a value that becomes JSON, Ready, Nothing, None, or a Stream; ``expected`` says what each field of
    the input takes; ``starts_work`` whether it queues a deployment, which an Idempotency-Key lets it do only once;
    ``uploads`` whether its body is a file, which only REST takes.
    """

    name: str
    kind: Kind
    summary: str
    input: type[Input]
    output: Any
    answer: Callable[[Call[Any]], Awaitable[object]]
    expected: Mapping[str, Expected]
    starts_work: bool = False
    uploads: bool = False

    @property
    def permission(self) -> Permission:
        """What it takes to call it."""
        return RULES[self.name]

    @property
    def streams(self) -> bool:
        """Whether the answer is no JSON but comes bit by bit, which only REST gives."""
        return self.output is Stream or self.output is File


class Registry:
    """All procedures by their names, which are those that the policy has a rule for. ``load`` gives those of a router
    when one of them is first asked for; it raises ValueError for two of one name and for one without a rule.
    """

    def __init__(self, load: Callable[[str], Iterable[Procedure]]) -> None:
        self._load = load
        self._routers: set[str] = set()
        self._loaded: dict[str, Procedure] = {}

    def find(self, name: str, kind: Kind) -> Procedure | None:
        """The procedure of this name and kind, None when there is none."""
        procedure = self.named(name)
        return procedure if procedure is not None and procedure.kind is kind else None

    def named(self, name: str) -> Procedure | None:
        """The procedure of this name, None when there is none."""
        found = self._loaded.get(name)
        if found is None and name in RULES and (router := name.partition(".")[0]) not in self._routers:
            self._loaded |= _by_name(self._load(router))
            self._routers.add(router)
            found = self._loaded.get(name)
        return found

    async def kept(self, procedure: Procedure, call: Call[Any]) -> Mapping[str, Any] | None:
        """What is kept of the thing that a call is to change, as the router's own ``one`` tells it; None where the
        call names none.
        """
        one = self.find(f"{procedure.name.partition('.')[0]}.one", Kind.QUERY)
        if one is None or not one.expected.keys() <= procedure.expected.keys():
            return None
        ids = {name: getattr(call.input, name) for name in one.input.model_fields}
        row: Any = await one.answer(
            replace(call, permission=one.permission, input=one.input.model_validate(ids, by_name=True))
        )
        return row  # type: ignore[no-any-return]  # every ``one`` answers with an object

    def answered(self, wire: str, name: str, status: int, seconds: float) -> CallAnswered:
        """The news of a call that was answered. What there is not has one name: nobody can make up more."""
        known = name if name in RULES else "unknown"
        return CallAnswered(wire=wire, procedure=known, status=status, seconds=seconds)

    def __iter__(self) -> Iterator[Procedure]:
        return iter([found for name in RULES if (found := self.named(name)) is not None])


def _by_name(procedures: Iterable[Procedure]) -> Mapping[str, Procedure]:
    found: dict[str, Procedure] = {}
    for procedure in procedures:
        if procedure.name in found:
            raise ValueError(f"two procedures are called {procedure.name}")
        if procedure.name not in RULES:
            raise ValueError(f"the policy has no rule for {procedure.name}")
        found[procedure.name] = procedure
    return found


def query(
    name: str, summary: str, output: object, input: type[I], answer: Callable[[Call[I]], Awaitable[object]]
) -> Procedure:
    """A procedure that only reads. ``output`` is the type of its answer."""
    return _procedure(Kind.QUERY, name, summary, output=output, input=input, answer=answer)


def mutation(
    name: str, summary: str, output: object, input: type[I], answer: Callable[[Call[I]], Awaitable[object]]
) -> Procedure:
    """A procedure that changes something. ``output`` is the type of its answer."""
    return _procedure(Kind.MUTATION, name, summary, output=output, input=input, answer=answer)


def starter(
    name: str, summary: str, output: object, input: type[I], answer: Callable[[Call[I]], Awaitable[object]]
) -> Procedure:
    """A mutation that queues a deployment. ``output`` is the type of its answer; ``call.once`` goes to the ledger."""
    return replace(mutation(name, summary, output, input, answer), starts_work=True)


async def performed(registry: Registry, procedure: Procedure, call: Call[Any]) -> object:
    """What a call answers, as its caller may see it. The audit log learns of every call that changes something,
    whatever the procedure does.
    """
    if procedure.kind is Kind.QUERY:
        return _shown(call.actor, await procedure.answer(call))
    sent = call.input.model_dump(by_alias=True, exclude_unset=True)
    given = await unveiled(call.input, sent, lambda: registry.kept(procedure, call))
    entry = Entry(call.actor, procedure.permission, sent)

    async def change(actor: Actor) -> object:
        # Watch paths come by a dozen procedures, of which each sets what it was sent.
        check_patterns(getattr(given, "watch_paths", None) or (), call.platform.watch_depths)
        return await procedure.answer(replace(call, actor=actor, input=given))

    return _shown(call.actor, await call.platform.audit.kept(entry, change))


def _shown(actor: Actor, answer: object) -> object:
    if not isinstance(answer, Ready):
        return shown_to(actor, answer)
    body = encoded_for(actor, answer.body)
    return answer if body is answer.body else replace(answer, body=body)


def uploader(
    name: str, summary: str, output: object, input: type[I], answer: Callable[[Call[I]], Awaitable[object]]
) -> Procedure:
    """A starter whose body is a form with a file, or the file itself; ``call.upload`` is what came."""
    return replace(starter(name, summary, output, input, answer), uploads=True)


def queued(given: Queued) -> Nothing:
    """The answer of a starter that has no other: headers that name the new deployment."""
    return Nothing(headers=naming(given))


def queued_as(given: Queued, answer: object) -> Ready:
    """The answer of a starter that has one of its own, with the headers that name the new deployment."""
    return Ready(to_json(answer), headers=naming(given))


def naming(given: Queued) -> Mapping[str, str]:
    """The headers that name a new deployment."""
    location = f"/api/deployment.one?deploymentId={given.deployment_id}"
    headers = {"location": location, "x-deployment-id": given.deployment_id}
    return headers | ({"idempotent-replayed": "true"} if given.again else {})


def once_of(
    procedure: Procedure,
    actor: Actor,
    given: Input,
    headers: Mapping[bytes, bytes],
    position: int = 0,
    *,
    upload: Upload | None = None,
) -> Once | None:
    """The call as one that starts its work once; None where nothing asks for that. Raises InvalidInput."""
    key = headers.get(b"idempotency-key")
    if key is None or not procedure.starts_work:
        return None
    text = given.model_dump_json() + (upload.digest if upload is not None else "")
    return once(actor, key.decode("latin-1").strip(), procedure.name, text.encode(), position)


def _procedure(
    kind: Kind,
    name: str,
    summary: str,
    *,
    output: object,
    input: type[I],
    answer: Callable[[Call[I]], Awaitable[object]],
) -> Procedure:
    return Procedure(
        name=name,
        kind=kind,
        summary=summary,
        input=input,
        output=output,
        answer=answer,
        expected=expected_of(input),
    )
