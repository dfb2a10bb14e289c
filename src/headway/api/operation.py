"""An operation as a value: what can be asked for, what it takes and gives, and what it takes to be let do it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pydantic_core import to_json

from headway.api.inputs import Input
from headway.api.issues import Expected
from headway.core.access.model import Actor, Role
from headway.core.access.policy import Permission
from headway.core.deployments.idempotency import Once, Queued
from headway.kernel.dataclass import dataclass
from headway.kernel.uploads import Upload

I = TypeVar("I", bound=Input)  # noqa: E741 - an input
T = TypeVar("T")


class Kind(StrEnum):
    """Whether an operation only reads (GET) or changes something (POST)."""

    QUERY = "query"
    MUTATION = "mutation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[I]):
    """One call of an operation: who makes it, by what right, with what, and its request's headers (names in lower
    case). ``once`` is given where the operation starts work and the caller sent a key for it, ``upload`` where it takes
    one.
    """

    actor: Actor
    permission: Permission
    input: I
    headers: Mapping[bytes, bytes]
    once: Once | None = None
    upload: Upload | None = None


@dataclass(frozen=True, slots=True)
class Ready(Generic[T]):
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


class Stream:
    """An answer that comes bit by bit. How it is sent its transport says, which makes it."""


class File(Stream):
    """A stream of plain text that has a size, so that a range of it can be asked for."""


class Text(Stream):
    """A stream of plain text of which nobody knows before how long it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation over the services that it needs. ``output`` is the type of its answer (None: it has none; Stream,
    File or Text: bit by bit); ``answer`` gives a value that becomes JSON, Ready, Nothing, None, or a Stream;
    ``expected`` says what each field of the input takes; ``starts_work`` whether it queues a deployment, which a
    caller's key lets it do only once; ``uploads`` whether its body is a file.
    """

    name: str
    kind: Kind
    summary: str
    description: str
    permission: Permission
    input: type[Input]
    output: Any
    answer: Callable[[Call[Any]], Awaitable[object]]
    expected: Mapping[str, Expected]
    starts_work: bool = False
    uploads: bool = False

    @property
    def streams(self) -> bool:
        """Whether the answer is no JSON but comes bit by bit, which not every transport gives."""
        return any(self.output is each for each in (Stream, File, Text))

    @property
    def is_open(self) -> bool:
        """Whether it may be called without any key."""
        return self.permission.least is Role.GUEST


def queued(given: Queued) -> Nothing:
    """The answer of a starter that has no other: headers that name the new deployment."""
    return Nothing(headers=naming(given))


def queued_as(given: Queued, answer: T) -> Ready[T]:
    """The answer of a starter that has one of its own, with the headers that name the new deployment."""
    return Ready(to_json(answer), headers=naming(given))


def naming(given: Queued) -> Mapping[str, str]:
    """The headers that name a new deployment."""
    location = f"/api/deployment.one?deploymentId={given.deployment_id}"
    headers = {"location": location, "x-deployment-id": given.deployment_id}
    return headers | ({"idempotent-replayed": "true"} if given.again else {})
