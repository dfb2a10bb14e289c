"""``/metrics``: what Prometheus reads, for a key that may; on a port of the loopback also for that port's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hmac import compare_digest

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from headway.core.access import policy
from headway.core.deployments.workload import workload
from headway.features.metrics.metrics import CONTENT_TYPE
from headway.http import errors
from headway.http.answers import Answer, send_answer
from headway.http.auth import by_key, key_of
from headway.http.needs import HttpNeeds
from headway.kernel.secret import Secret

METRICS_PATH = "/metrics"


class MetricsPage:
    """Answers GET. On a port that only this machine reaches it is enough to know ``key``; one that is ``open_to_all``
    asks for none, as it did before.
    """

    def __init__(
        self,
        needs: HttpNeeds,
        followers: Callable[[], int],
        *,
        open_to_all: bool = False,
        key: Secret | None = None,
    ) -> None:
        self._needs = needs
        self._followers = followers
        self._open_to_all = open_to_all
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        answer = await errors.guarded(lambda: self._answer(scope, headers), METRICS_PATH)
        await send_answer(answer, send, headers.get(b"accept-encoding", b""))

    async def _answer(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Answer:
        if not self._is_let_in(headers):
            actor = await by_key(self._needs.door.access, headers)
            if actor is None:
                return errors.unauthorized()
            policy.admit(actor, policy.METRICS)
        if scope["method"] != "GET":
            raise errors.not_found()
        now = await self._needs.db.read(workload)
        body = self._needs.metrics.text(now, self._followers(), self._needs.troubles.by_loop())
        return Answer(status=200, headers=((b"content-type", CONTENT_TYPE.encode()),), body=body)

    def _is_let_in(self, headers: Mapping[bytes, bytes]) -> bool:
        if self._open_to_all or self._key is None:
            return self._open_to_all
        shown = key_of(headers) or ""
        return compare_digest(shown.encode(errors="replace"), self._key.reveal().encode())


def create_metrics_app(
    needs: HttpNeeds, followers: Callable[[], int], key: Secret | None = None, *, open_to_all: bool = False
) -> Starlette:
    """An application that answers ``/metrics`` to whoever shows the key, or an API key that may, and to whoever asks
    where it is ``open_to_all``; and nothing else.
    """
    app = Starlette(routes=[Route(METRICS_PATH, MetricsPage(needs, followers, open_to_all=open_to_all, key=key))])
    app.state.close = lambda: None
    return app
