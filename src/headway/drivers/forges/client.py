"""Asks a forge over HTTP, and makes one sentence of whatever goes wrong."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from headway.drivers.forges.base import ForgeAway, ForgeConnection, ForgeRefused, UnknownToForge
from headway.infra.http_content import AS_IT_IS, ContentRefused, content_of
from headway.infra.outward_connections import LeadsNear
from headway.kernel.dataclass import dataclass

if TYPE_CHECKING:
    import httpx

Json = Any

_SECONDS = 20.0
_MOST_BYTES = 2 << 20
_MOST_BYTES_OF_A_LIST = 20 << 20
_READ_AT_ONCE = 64 << 10  # bytes: what takes the loop longer is read in a thread
MOST_PAGES = 50
_LONGEST_REASON = 200
_WAITS_AT_LEAST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeAnswer:
    """What a forge has answered: its JSON, of so many bytes, and where the rest of it is."""

    value: Json
    size: int
    next_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeClient:
    """Asks one forge as its ``connection`` says, with these ``headers``, which hold what proves who asks."""

    connection: ForgeConnection
    headers: Mapping[str, str] = field(repr=False)

    async def send(self, method: str, path: str, body: Json) -> Json:
        """Makes something at ``path`` below the forge's API, or changes it; what it is then."""
        return (await self._ask(method, self._url(path), body=body)).value

    async def pages(self, path: str, **params: str | int) -> AsyncIterator[Json]:
        """Each part of a long list, as many as there are. Raises ForgeAway where there is no end of them, or they are
        more than 20 MiB: half of a list would be taken for the whole.
        """
        url, given, size = self._url(path), params, 0
        for _ in range(MOST_PAGES):
            answer = await self._ask("GET", url, params=given)
            size += answer.size
            if size > _MOST_BYTES_OF_A_LIST:
                raise ForgeAway(f"{self._name} lists more than {_MOST_BYTES_OF_A_LIST >> 20} MiB of {path}.")
            yield answer.value
            if answer.next_url is None:
                return
            url, given = self._own(answer.next_url), {}
        raise ForgeAway(f"{self._name} lists more than {MOST_PAGES} pages of {path}.")

    async def every(self, path: str, within: str | None = None, /, **params: str | int) -> AsyncIterator[Json]:
        """Each thing of a long list, whose parts have it ``within`` a field where one is named."""
        async for page in self.pages(path, **params):
            for each in page if within is None else page[within]:
                yield each

    @property
    def _name(self) -> str:
        return self.connection.forge.named

    def _url(self, path: str) -> str:
        return f"{self.connection.api_url.rstrip('/')}/{path}"

    def _own(self, url: str) -> str:
        """An address that the forge names itself: only one of its own, for the credentials go there."""
        if not url.startswith(f"{self.connection.api_url.rstrip('/')}/"):
            raise ForgeRefused(f"{self._name} sends on to another site for the rest of a list; that is not followed.")
        return url

    async def _ask(
        self, method: str, url: str, *, params: Mapping[str, str | int] | None = None, body: Json = None
    ) -> ForgeAnswer:
        import httpx  # noqa: PLC0415 - a panel that asks no forge never loads it

        headers = {"accept": "application/json", "user-agent": "Headway", **AS_IT_IS, **self.headers}
        request = {"params": dict(params)} if params else {}
        if body is not None:
            request |= {"json": body}
        try:
            async with (
                asyncio.timeout(_SECONDS),
                self._client() as client,
                client.stream(method, url, headers=headers, **request) as answer,  # type: ignore[arg-type]
            ):
                content = await content_of(answer, _MOST_BYTES)
        except LeadsNear as near:
            raise ForgeRefused(near.message) from near
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ContentRefused) as error:
            why = str(error) if isinstance(error, ContentRefused) else type(error).__name__
            raise ForgeAway(f"{self._name} at {self.connection.api_url} does not answer: {why}.") from None
        value = await _parsed(content)
        if not answer.is_success:
            self._refuse(answer, value)
        if value is _NO_JSON and answer.status_code != HTTPStatus.NO_CONTENT:
            raise ForgeAway(f"{self._name} at {self.connection.api_url} answered with what is no JSON.")
        found = None if value is _NO_JSON else value
        return ForgeAnswer(value=found, size=len(content), next_url=_next_of(answer, value))

    def _client(self) -> httpx.AsyncClient:
        """Follows no redirects."""
        import httpx  # noqa: PLC0415 - as above

        from headway.infra.outward_http import transport  # noqa: PLC0415 - as above

        if self.connection.guarded:
            return httpx.AsyncClient(timeout=_SECONDS, transport=transport(_trusted()), trust_env=False)
        return httpx.AsyncClient(timeout=_SECONDS, verify=_trusted())

    def _refuse(self, answer: httpx.Response, value: Json) -> None:
        status, said = answer.status_code, self._said(value)
        if (retry_at := _limited_until(answer, datetime.now(UTC))) is not None:
            moment = f"{retry_at:%H:%M:%S} UTC"
            raise ForgeAway(f"{self._name} takes no more requests until {moment} ({status}{said}).", retry_at)
        if status == HTTPStatus.UNAUTHORIZED:
            raise ForgeRefused(
                f"{self._name} does not accept the credentials of this provider (401{said}). They may have expired or "
                "been revoked: give it new ones."
            )
        if status == HTTPStatus.FORBIDDEN:
            raise ForgeRefused(f"{self._name} does not allow this with the credentials of this provider (403{said}).")
        if status == HTTPStatus.NOT_FOUND:
            raise UnknownToForge(
                f"{self._name} knows no such thing, or does not show it to the credentials of this provider (404{said})"
                "."
            )
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise ForgeAway(f"{self._name} at {self.connection.api_url} has an error of its own ({status}{said}).")
        raise ForgeRefused(f"{self._name} answered {status}{said}.")

    def _said(self, value: Json) -> str:
        """What the forge gives as its reason, without anything that came from us; nothing where it may be some other
        host that speaks.
        """
        if self.connection.guarded:
            return ""
        found = value.get("message") or value.get("error") if isinstance(value, dict) else None
        if isinstance(found, dict):
            found = found.get("message")
        if not isinstance(found, str) or not found.strip():
            return ""
        text = "".join(each if each.isprintable() else " " for each in found)[:_LONGEST_REASON]
        shown_to_it = self.headers.get("authorization", "").rpartition(" ")[2]
        for secret in (*self.connection.secrets, shown_to_it):
            text = text.replace(secret, "******") if secret else text
        return f": {text}"


_NO_JSON = object()


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted: read once, which takes longer than many an answer."""
    import httpx  # noqa: PLC0415 - as above

    return httpx.create_ssl_context()


async def _parsed(content: bytes) -> Json:
    """What is read, however deep it goes: that is bounded, and its error is one of values."""
    try:
        if len(content) <= _READ_AT_ONCE:
            return from_json(content)
        return await asyncio.to_thread(from_json, content)
    except (ValueError, RecursionError):
        return _NO_JSON


def _next_of(answer: httpx.Response, value: Json) -> str | None:
    """Where the next part of a list is: in the header ``link``, or as Bitbucket has it in the body."""
    linked = answer.links.get("next", {}).get("url")
    if linked:
        return linked
    found = value.get("next") if isinstance(value, dict) else None
    return found if isinstance(found, str) and found else None


def _limited_until(answer: httpx.Response, now: datetime) -> datetime | None:
    """When a forge that has had enough of us may be asked again; None where that is not what it says."""
    if answer.status_code not in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}:
        return None
    headers = answer.headers
    after = headers.get("retry-after", "")
    if after.isdigit():
        return now + timedelta(seconds=min(int(after), 86_400))
    reset = headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset") or ""
    is_spent = (headers.get("x-ratelimit-remaining") or headers.get("ratelimit-remaining")) == "0"
    if is_spent and reset.isdigit():
        return min(max(datetime.fromtimestamp(min(int(reset), 1 << 35), UTC), now), now + timedelta(days=1))
    return now + _WAITS_AT_LEAST if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS else None
