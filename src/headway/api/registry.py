"""All operations by their names, and the one way in which each is performed, whatever asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from headway.api.inputs import Input
from headway.api.operation import Call, Kind, Operation, Ready
from headway.api.router import Routed
from headway.api.secret_values import encoded_for, shown_to, unveiled
from headway.core.access import policy
from headway.core.access.audit import Audit, Entry
from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.access.renewal import as_it_is
from headway.core.deployments.idempotency import Once, once
from headway.kernel.events import CallAnswered
from headway.kernel.uploads import Upload


class Registry:
    """All operations. A router is loaded when one of its operations is first asked for: most of what a start would take
    is what they take and give, and few panels are asked for all of it. Raises ValueError for two of one name.
    ``opened`` are the names of those that may be called without any key: who has none has the panel load nothing.
    """

    def __init__(self, routers: Mapping[str, Callable[[], Routed]], opened: Collection[str] = ()) -> None:
        self._routers = routers
        self._opened = opened
        self._loaded: dict[str, Routed] = {}
        self._operations: dict[str, Operation] = {}

    def find(self, name: str, kind: Kind) -> Operation | None:
        """The operation of this name and kind, None when there is none."""
        operation = self.named(name)
        return operation if operation is not None and operation.kind is kind else None

    def named(self, name: str) -> Operation | None:
        """The operation of this name, None when there is none."""
        found = self._operations.get(name)
        if found is None and (router := name.partition(".")[0]) in self._routers and router not in self._loaded:
            self._load(router)
            found = self._operations.get(name)
        return found

    def permission_of(self, name: str) -> Permission:
        """What it takes to call the operation of this name, for what does the same in another way."""
        operation = self.named(name)
        if operation is None:
            raise LookupError(name)
        return operation.permission

    def is_open(self, name: str) -> bool:
        """Whether there is an operation of this name that may be called without any key."""
        return name in self._opened

    def has_router(self, name: str) -> bool:
        """Whether there is a router that an operation of this name would be of."""
        router, dot, rest = name.partition(".")
        return bool(dot) and router in self._routers and "/" not in rest

    def routers(self) -> Iterator[Routed]:
        """Every router, loaded."""
        for name in self._routers:
            yield self._loaded.get(name) or self._load(name)

    def answered(self, wire: str, name: str, status: int, seconds: float) -> CallAnswered:
        """The news of a call that was answered. What nobody could call yet has one name: nobody can make up more."""
        known = name if name in self._operations else "unknown"
        return CallAnswered(wire=wire, procedure=known, status=status, seconds=seconds)

    def __iter__(self) -> Iterator[Operation]:
        return (operation for router in self.routers() for operation in router.operations)

    def _load(self, name: str) -> Routed:
        router = self._routers[name]()
        made: dict[str, Operation] = {}
        for operation in router.operations:
            if operation.name in made:
                raise ValueError(f"two operations are called {operation.name}")
            made[operation.name] = operation
        self._operations |= made
        self._loaded[name] = router
        return router


class Given(NamedTuple):
    """What an operation is called with."""

    input: Input
    upload: Upload | None = None


class Performed(NamedTuple):
    """What an operation answered, as its caller may see it, and what was sent that it does not know."""

    answer: object
    unknown: tuple[str, ...]


class Performer:
    """Performs operations: whoever asks is let in or refused, then the input is read, the change is told to the audit
    log, and what starts work starts it once. Every transport asks this and nothing else. ``check`` raises InvalidInput
    for what no change may be given, whatever operation it comes by.
    """

    def __init__(self, registry: Registry, audit: Audit, check: Callable[[Input], None]) -> None:
        self._registry = registry
        self._audit = audit
        self._check = check

    async def perform(
        self,
        operation: Operation,
        actor: Actor,
        read: Callable[[], Awaitable[Given]],
        *,
        headers: Mapping[bytes, bytes],
        key: str | None = None,
        position: int = 0,
    ) -> Performed:
        """Asks ``read`` for the input of whoever is let in, which may take long; what they may is asked anew then.
        ``key`` lets it start its work only once, of which ``position`` tells several in one request apart. Raises
        Forbidden, AccessEnded, and what reading and doing raise.
        """
        policy.admit(actor, operation.permission)
        given, upload = await read()
        before, actor = actor, await as_it_is(actor)
        if actor is not before:
            policy.admit(actor, operation.permission)
        call = Call(
            actor=actor,
            permission=operation.permission,
            input=given,
            headers=headers,
            once=None if key is None else _once(operation, actor, given, upload, key=key, position=position),
            upload=upload,
        )
        answer = await (operation.answer(call) if operation.kind is Kind.QUERY else self._change(operation, call))
        return Performed(await _shown(actor, answer), given.unknown)

    async def _change(self, operation: Operation, call: Call[Any]) -> object:
        sent = call.input.model_dump(by_alias=True, exclude_unset=True)
        given = await unveiled(call.input, sent, lambda: self._kept(operation, call))

        async def change(actor: Actor) -> object:
            self._check(given)
            return await operation.answer(replace(call, actor=actor, input=given))

        return await self._audit.kept(Entry(call.actor, operation.permission, sent), change)

    async def _kept(self, operation: Operation, call: Call[Any]) -> Mapping[str, Any] | None:
        """What is kept of the thing that a call is to change, as the router's own ``one`` tells it; None where the
        call names none.
        """
        one = self._registry.find(f"{operation.name.partition('.')[0]}.one", Kind.QUERY)
        if one is None or not one.expected.keys() <= operation.expected.keys():
            return None
        ids = {name: getattr(call.input, name) for name in one.input.model_fields}
        looked = replace(call, permission=one.permission, input=one.input.model_validate(ids, by_name=True))
        row: Any = await one.answer(looked)
        return row  # type: ignore[no-any-return]  # every ``one`` answers with an object


def _once(
    operation: Operation, actor: Actor, given: Input, upload: Upload | None, *, key: str, position: int
) -> Once | None:
    """The call as one that starts its work once; None where it starts none. Raises InvalidInput."""
    if not operation.starts_work:
        return None
    text = given.model_dump_json() + (upload.digest if upload is not None else "")
    return once(actor, key, operation.name, text.encode(), position)


async def _shown(actor: Actor, answer: object) -> object:
    if not isinstance(answer, Ready):
        return await shown_to(actor, answer)
    body = await encoded_for(actor, answer.body)
    return answer if body is answer.body else replace(answer, body=body)
