"""``/listen-deployment``: the log of a deployment as messages of a WebSocket, text as it comes."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from headway.api.registry import Registry
from headway.core.access.policy import Missing, Noun
from headway.http import errors
from headway.http.answers import SECURITY_HEADERS, Answer
from headway.http.auth import authenticate
from headway.http.follows import Follows
from headway.http.needs import HttpNeeds
from headway.http.outlets import SocketOutlet
from headway.http.streams import Follower
from headway.kernel.errors import TooManyRequests

PATH = "listen-deployment"
NO_SERVER = frozenset({"", "null", "undefined"})  # what clients write for the panel's own machine


class Listening:
    """Answers a handshake: who may read the deployment gets its log, everybody else a refusal over plain HTTP."""

    def __init__(self, needs: HttpNeeds, follows: Follows, registry: Registry) -> None:
        self._needs = needs
        self._registry = registry
        self._follows = follows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # the wish to connect
        found = await errors.guarded(lambda: self._follower(scope), PATH)
        if isinstance(found, Answer):
            await refuse(found, send)
            return
        try:
            await found.follow(SocketOutlet(send), receive)
        except TooManyRequests as error:
            await refuse(errors.told(errors.problem_of(error), PATH), send)

    async def _follower(self, scope: Scope) -> Follower | Answer:
        actor = await authenticate(self._needs.door, scope)
        if actor is None:
            return errors.unauthorized()
        given = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        log_path, server_id = given.get("logPath", ""), given.get("serverId", "")
        if "\x00" in log_path:  # no database can be asked for it
            raise Missing(Noun.DEPLOYMENT)
        return await self._follows.listen(
            actor,
            self._registry.permission_of("deployment.follow"),
            log_path,
            None if server_id in NO_SERVER else server_id,
        )


async def refuse(answer: Answer, send: Send) -> None:
    """Answers a handshake over plain HTTP."""
    headers = [*answer.headers, (b"content-length", str(len(answer.body)).encode()), *SECURITY_HEADERS]
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": answer.body})
