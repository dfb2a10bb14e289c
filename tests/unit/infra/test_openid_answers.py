"""What a provider answers that is away, or means no good: told in time, in one sentence, and never believed."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, cast

import pytest

from headway.infra import openid
from headway.infra.openid import OpenIdClient, ProviderFault
from headway.kernel.secret import Secret
from tests.unit.infra.test_openid import EC, GOOD, NOW, PROVIDER, RSA, SOUGHT, token

CONFIGURATION = "/.well-known/openid-configuration"
CODE = "a code"


@dataclass(kw_only=True)
class Answers:
    """Something at an address that answers these paths, nothing at others, while it is ``answering``."""

    issuer: str = ""
    told: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    taken: list[asyncio.Task[None]] = field(default_factory=list)

    def tells(self, path: str, value: object) -> None:
        """From now on it answers this with JSON."""
        self.told[path] = json.dumps(value).encode()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        self.taken.append(cast("asyncio.Task[None]", asyncio.current_task()))
        try:
            await self._take(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.split(b" ", 2)[1].decode())
        if length := re.search(rb"content-length: ([0-9]+)", head.lower()):
            await reader.readexactly(int(length[1]))  # what is left unread ends a connection before its answer
        await self.answering.wait()
        body = self.told.get(self.asked[-1])
        if body is not None:
            more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
            writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n{more}\r\n".encode() + body)
            await writer.drain()


@asynccontextmanager
async def answers() -> AsyncIterator[Answers]:
    """A provider that answers what it is told to."""
    found = Answers()
    found.answering.set()
    server = await asyncio.start_server(found.take, "127.0.0.1", 0)
    found.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    endpoints = {name: f"{found.issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    found.tells(CONFIGURATION, {"issuer": found.issuer, **endpoints})
    found.tells("/jwks_uri", {"keys": [RSA.as_dict(private=False)]})
    found.tells("/token_endpoint", {"id_token": token({**GOOD, "iss": found.issuer})})
    try:
        yield found
    finally:
        found.answering.set()
        server.close()
        await asyncio.gather(*found.taken, return_exceptions=True)
        await server.wait_closed()


def client_of(found: Answers, monotonic: list[float] | None = None, **settings: Any) -> OpenIdClient:  # noqa: ANN401 - as they are
    now = [0.0] if monotonic is None else monotonic
    provider = replace(PROVIDER, issuer=found.issuer, **settings)
    return OpenIdClient(provider, clock=lambda: NOW, monotonic=lambda: now[0])


async def faults_of(client: OpenIdClient, times: int) -> list[ProviderFault]:
    """What so many hear who want to sign in at the same time."""
    told = await asyncio.gather(*(client.address(SOUGHT) for _ in range(times)), return_exceptions=True)
    assert all(isinstance(each, ProviderFault) for each in told), told
    return [each for each in told if isinstance(each, ProviderFault)]


async def test_of_a_provider_that_is_away_all_hear_at_once_and_it_is_asked_again_later() -> None:
    now = [0.0]
    async with answers() as found:
        client, told = client_of(found, now), dict(found.told)
        found.told.clear()
        assert {each.is_away for each in await faults_of(client, 20)} == {True}
        assert found.asked == [CONFIGURATION]
        found.told |= told
        await faults_of(client, 1)
        now[0] = 5.0
        assert "/authorization_endpoint?" in await client.address(SOUGHT)
        assert found.asked == [CONFIGURATION] * 2


async def test_one_that_hangs_keeps_nobody_longer_than_one_of_its_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openid, "_SECONDS", 0.2)
    async with answers() as found:
        found.answering.clear()
        client, begun = client_of(found), time.monotonic()
        assert {each.is_away for each in await faults_of(client, 50)} == {True}
        assert time.monotonic() - begun < 5
        assert found.asked == [CONFIGURATION]


async def test_one_that_is_slow_again_and_again_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answers() as found:
        client = client_of(found)
        await client.address(SOUGHT)
        found.answering.clear()
        monkeypatch.setattr(openid, "_SECONDS_IN_ALL", 0.1)
        with pytest.raises(ProviderFault, match="too long") as told:
            await client.claims(SOUGHT, CODE, None)
        assert told.value.is_away


async def test_what_is_packed_or_without_end_is_not_taken() -> None:
    async with answers() as found:
        plain = found.told[CONFIGURATION]
        for body, headers in (
            (gzip.compress(plain), {"content-encoding": "gzip"}),
            (plain + b" " * (1 << 20), {}),
            (b"[" * 100_000, {}),
            (b"9" * 10_000, {}),
            (b"\xff\xfe", {}),
        ):
            found.told[CONFIGURATION], found.headers = body, headers
            with pytest.raises(ProviderFault):
                await client_of(found).address(SOUGHT)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (CONFIGURATION, {"issuer": "https://evil.example"}),
        (CONFIGURATION, {"issuer": ["x" * 10_000]}),
        ("/jwks_uri", {"keys": [{**RSA.as_dict(private=False), "n": "AA"}]}),
        ("/jwks_uri", {"keys": [{**EC.as_dict(private=False), "kid": "a"}]}),
        ("/token_endpoint", {"id_token": 7}),
        ("/token_endpoint", {}),
        ("/token_endpoint", [1]),
    ],
)
async def test_whatever_else_it_answers_is_a_fault(path: str, value: object) -> None:
    async with answers() as found:
        found.tells(path, value)
        with pytest.raises(ProviderFault) as told:
            await client_of(found).claims(SOUGHT, CODE, None)
        assert len(str(told.value)) < 500


@pytest.mark.parametrize("ways", [7, "client_secret_post", {}, [], None, ["client_secret_basic"], [7]])
async def test_odd_words_about_itself_are_read_as_none(ways: object) -> None:
    async with answers() as found:
        configuration = json.loads(found.told[CONFIGURATION])
        found.tells(CONFIGURATION, {**configuration, "token_endpoint_auth_methods_supported": ways})
        claims = await client_of(found, secret=Secret("a secret")).claims(SOUGHT, CODE, None)
        assert claims["sub"] == "ada"


def with_userinfo(
    found: Answers,
    said: Mapping[str, object],
    claims: Mapping[str, object] = MappingProxyType({}),
    access: str = "of access",
) -> None:
    configuration = json.loads(found.told[CONFIGURATION])
    found.tells(CONFIGURATION, {**configuration, "userinfo_endpoint": f"{found.issuer}/userinfo"})
    id_token = token({**GOOD, "iss": found.issuer, **claims})
    found.tells("/token_endpoint", {"id_token": id_token, "access_token": access})
    found.tells("/userinfo", said)


async def test_what_it_tells_beside_the_token_is_of_the_same_person_and_never_against_the_token() -> None:
    async with answers() as found:
        with_userinfo(
            found, {"sub": "ada", "groups": ["ops"], "iss": "https://evil.example", "name": "Eve"}, {"name": "Ada"}
        )
        claims = await client_of(found).claims(SOUGHT, CODE, None)
        assert (claims["groups"], claims["iss"], claims["name"]) == (["ops"], found.issuer, "Ada")
        for said in ({"sub": "eve", "groups": ["ops"]}, {"groups": ["ops"]}, {"sub": ["ada"]}):
            with_userinfo(found, said)
            with pytest.raises(ProviderFault, match="another subject"):
                await client_of(found).claims(SOUGHT, CODE, None)
        for odd in ("of \u00fcber", "a\r\nb: c", "\ud800"):
            with_userinfo(found, {"sub": "ada"}, access=odd)
            with pytest.raises(ProviderFault):
                await client_of(found).claims(SOUGHT, CODE, None)


@pytest.mark.parametrize(
    ("path", "claims"),
    [
        ("groups", {"groups": []}),
        ("realm_access.roles", {"realm_access": {"roles": ["ops"]}}),
        ("https://x.example/groups", {"https://x.example/groups": ["ops"]}),
    ],
)
async def test_it_is_asked_for_no_more_where_the_token_tells_the_groups(path: str, claims: dict[str, object]) -> None:
    async with answers() as found:
        with_userinfo(found, {"sub": "ada", "name": "Eve"}, claims)
        assert "name" not in await client_of(found, groups_claim=path).claims(SOUGHT, CODE, None)
        assert "/userinfo" not in found.asked


async def test_who_is_in_too_many_groups_to_be_told_of_is_not_taken_for_being_in_none() -> None:
    async with answers() as found:
        elsewhere = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://x.example"}}}
        with_userinfo(found, {"sub": "ada"}, elsewhere)
        with pytest.raises(ProviderFault, match="too many"):
            await client_of(found).claims(SOUGHT, CODE, None)
        with_userinfo(found, {"sub": "ada", "groups": ["ops"]}, elsewhere)
        assert (await client_of(found).claims(SOUGHT, CODE, None))["groups"] == ["ops"]
