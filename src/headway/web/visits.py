"""A request of a page by somebody who has signed in: what its page asks the panel for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import TypeVar, cast

from pydantic_core import from_json

from headway.api.inputs import from_value
from headway.api.operation import Kind, Nothing, Operation, Ready, Stream
from headway.api.registry import Given, Performer, Registry
from headway.core.access import policy
from headway.core.access.model import Actor
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Code, HeadwayError, Unavailable
from headway.kernel.uploads import Upload
from headway.pages.forms import Flash, Started
from headway.pages.page import Asked, UnderWay, Unknown
from headway.web.long_asks import LongAsks

T = TypeVar("T")

log = logging.getLogger(__name__)

_DEPLOYMENT = "x-deployment-id"
_AGAIN = "idempotent-replayed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What can be asked of the panel, and performed, in the one way in which everything is."""

    registry: Registry
    performer: Performer

    def named(self, name: str) -> Operation:
        """The operation of this name. Raises LookupError: a page that asks for one that is not there is a fault."""
        operation = self.registry.named(name)
        if operation is None:
            raise LookupError(name)
        return operation

    async def perform(
        self,
        operation: Operation,
        actor: Actor,
        given: Mapping[str, object],
        key: str | None = None,
        upload: Upload | None = None,
    ) -> object:
        """What the operation answers, as plain values. Raises what it raises, and Problem for an input that is none."""

        async def read() -> Given:
            return Given(from_value(operation.input, dict(given)), upload)

        done = await self.performer.perform(operation, actor, read, headers={}, key=key)
        return _plain(done.answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageVisit:
    """A visit, as pages know it (``headway.pages.page.Visit``)."""

    actor: Actor
    path: Mapping[str, str]
    query: Mapping[str, str]
    now: datetime
    flash: Flash | None
    operations: Operations
    origin: str
    long_asks: LongAsks = field(default_factory=LongAsks)

    async def ask(self, asked: Asked[T], **given: object) -> T:
        """What the operation answers this actor. What is None is not given. Raises what it raises."""
        operation = self.operations.named(asked.name)
        if operation.kind is not Kind.QUERY or operation.streams:
            raise TypeError(f"{asked.name} is nothing that a page may ask")
        sent = {name: value for name, value in given.items() if value is not None}
        return cast("T", await self.operations.perform(operation, self.actor, sent))

    async def ask_within(self, seconds: float, asked: Asked[T], **given: object) -> T | Unknown:
        """The same, Unknown where it takes longer or cannot be had now."""
        try:
            async with asyncio.timeout(seconds):
                return await self.ask(asked, **given)
        except TimeoutError:
            return Unknown(why=f"It was not answered within {seconds:g} seconds.")
        except Unavailable as away:
            return Unknown(why=away.message)
        except HeadwayError as error:
            if error.code is not Code.INTERNAL:
                raise
            log.exception("%s failed", asked.name)  # of a secret that cannot be opened, as below
            return Unknown(why=error.message)
        except OSError as error:  # of a log that cannot be read: the rest of the page can be shown
            log.warning("%s could not read a file: %s", asked.name, error)
            return Unknown(why=f"It could not be read: {error.strerror or 'the disk refused it'}.")

    async def ask_meanwhile(
        self, seconds: float, asked: Asked[T], state: str, *, anew: bool, **given: str
    ) -> T | Unknown | UnderWay:
        """See ``Visit.ask_meanwhile``. Nobody is told what another one was answered."""
        who = (self.actor.user_id, self.actor.organization_id)
        key = (*who, asked.name, tuple(sorted(given.items())))
        return await self.long_asks.of(
            key, state, self.now, lambda: self.ask_within(seconds, asked, **given), anew=anew
        )

    def may(self, operation: str) -> bool:
        """Whether the actor's role and scopes allow the operation at all."""
        return policy.may(self.actor, self.operations.named(operation).permission)


def _plain(answer: object) -> object:
    match answer:
        case Ready(body=body, headers=headers):
            return _started(headers, from_json(body))
        case Nothing(headers=headers):
            return _started(headers, None)
        case Stream():
            raise TypeError("no page shows a stream")
        case _:
            return answer


def _started(headers: Mapping[str, str], answer: object) -> object:
    if _DEPLOYMENT not in headers:
        return answer
    return Started(deployment_id=headers[_DEPLOYMENT], again=_AGAIN in headers, answer=answer)
