"""A provider of OpenID Connect: its addresses, its keys, and what it says of who has signed in there. Its libraries are
loaded when somebody first signs in by one.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import ssl
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from headway.infra.http_content import AS_IT_IS, ContentRefused, content_of
from headway.kernel.dataclass import dataclass
from headway.kernel.provider_settings import Provider

_SECONDS = 10.0
_SECONDS_IN_ALL = 20.0  # of one sign-in, which asks several times
_AWAY_SECONDS = 5.0
_MOST_BYTES = 1 << 20
_MOST_KEYS = 100
_KEPT_SECONDS = 3_600.0
_ASKED_AGAIN_SECONDS = 60.0
_DRIFT_SECONDS = 60
_LONGEST_SUBJECT = 255
_LONGEST_TOLD = 300
_CONFIGURATION = "/.well-known/openid-configuration"
_LOOPBACK = frozenset({"localhost", "127.0.0.1"})
# A secret that both know signs nothing: whoever has the panel's settings could make tokens.
_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
_KEY_TYPES = frozenset({"RSA", "EC", "OKP"})


class ProviderFault(Exception):
    """No sign-in can come of what the provider did; the text says what that was, and is for the log. ``is_away``: it
    may be otherwise in a minute.
    """

    def __init__(self, why: str, *, is_away: bool = False) -> None:
        super().__init__(why)
        self.is_away = is_away


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What one sign-in at the provider is known by: what it has to bring back, and what only the panel knows.
    ``anew``: whoever it is has to show there that it is still them.
    """

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    begun_at: float
    anew: bool = False


class OpenIdClient:
    """The provider of the settings, as it says that it is. What it says of itself is kept for an hour."""

    def __init__(
        self,
        provider: Provider,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._clock = clock
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._found: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._away: tuple[float, ProviderFault] | None = None

    async def address(self, sought: Authorization) -> str:
        """Where a browser is sent to sign in. Raises ProviderFault."""
        endpoint = self._endpoint(await self._configuration(), "authorization_endpoint")
        challenge = hashlib.sha256(sought.verifier.encode()).digest()
        parts = urlsplit(endpoint)
        asked = {
            **dict(parse_qsl(parts.query)),
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": sought.redirect_uri,
            "scope": self._provider.scopes,
            "state": sought.state,
            "nonce": sought.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if sought.anew else {}),
        }
        return parts._replace(query=urlencode(asked), fragment="").geturl()

    async def claims(self, sought: Authorization, code: str, told_issuer: str | None) -> Mapping[str, Any]:
        """What the provider says of whoever has come back with this code. Raises ProviderFault."""
        try:
            async with asyncio.timeout(_SECONDS_IN_ALL):
                return await self._claims(sought, code, told_issuer)
        except TimeoutError as error:
            raise ProviderFault("it takes too long to answer", is_away=True) from error

    async def _claims(self, sought: Authorization, code: str, told_issuer: str | None) -> Mapping[str, Any]:
        configuration = await self._configuration()
        tells = configuration.get("authorization_response_iss_parameter_supported") is True
        if told_issuer != self._provider.issuer and (told_issuer is not None or tells):
            raise ProviderFault("another provider has sent the browser back")
        tokens = await self._tokens(configuration, sought, code)
        claims = await self._verified(_text(tokens, "id_token"), sought)
        access = tokens.get("access_token")
        if not self._tells_groups(claims) and isinstance(access, str) and "userinfo_endpoint" in configuration:
            said = await self._ask(
                "GET", self._endpoint(configuration, "userinfo_endpoint"), headers={"authorization": f"Bearer {access}"}
            )
            if said.get("sub") != claims["sub"]:
                raise ProviderFault("what it tells of somebody is about another subject than the token")
            claims = {**said, **claims}
        self._require_groups_told(claims)
        return claims

    def _tells_groups(self, claims: Mapping[str, Any]) -> bool:
        """Whether the claim of groups is there, which may be one within another."""
        return not {self._provider.groups_claim, self._groups_head}.isdisjoint(claims)

    def _require_groups_told(self, claims: Mapping[str, Any]) -> None:
        """Raises ProviderFault where the groups are more than a token holds, and are told elsewhere: who is taken for
        being in none would lose all that they have.
        """
        elsewhere = claims.get("_claim_names")
        if isinstance(elsewhere, dict) and self._groups_head in elsewhere and not self._tells_groups(claims):
            raise ProviderFault(
                f"it does not tell the groups of somebody who is in too many (no {self._provider.groups_claim}, "
                "_claim_names): let it tell those alone that this panel knows"
            )

    @property
    def _groups_head(self) -> str:
        return self._provider.groups_claim.partition(".")[0]

    async def _configuration(self) -> Mapping[str, Any]:
        async with self._lock:
            if self._found is not None and self._found[0] > self._monotonic() - _KEPT_SECONDS:
                return self._found[1]
            issuer = self._provider.issuer
            found = await self._ask_for_all(issuer.rstrip("/") + _CONFIGURATION)
            if (told := found.get("issuer")) != issuer:
                told = told[:_LONGEST_TOLD] if isinstance(told, str) else None
                raise ProviderFault(f"it calls itself {told!r}, and HEADWAY_OIDC_ISSUER is {issuer!r}")
            self._found = (self._monotonic(), found)
            return found

    async def _tokens(self, configuration: Mapping[str, Any], sought: Authorization, code: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": sought.redirect_uri,
            "code_verifier": sought.verifier,
        }
        secret, id_ = await self._secret(), self._provider.client_id
        ways = configuration.get("token_endpoint_auth_methods_supported")
        headers: dict[str, str] = {}
        if secret is not None and (not isinstance(ways, list) or not ways or "client_secret_basic" in ways):
            pair = urlencode({id_: secret}).replace("=", ":", 1)
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif secret is not None:
            form |= {"client_id": id_, "client_secret": secret}
        else:
            form["client_id"] = id_
        return await self._ask("POST", self._endpoint(configuration, "token_endpoint"), headers=headers, form=form)

    async def _secret(self) -> str | None:
        if self._provider.secret is not None:
            return self._provider.secret.reveal()
        if self._provider.secret_file is None:
            return None
        try:
            return (await asyncio.to_thread(Path(self._provider.secret_file).read_text)).strip()
        except (OSError, UnicodeError) as error:
            raise ProviderFault(f"HEADWAY_OIDC_CLIENT_SECRET_FILE cannot be read: {error}") from error

    async def _verified(self, token: str, sought: Authorization) -> Mapping[str, Any]:
        """The claims of a token that the provider has made for this panel and this sign-in."""
        keys, is_new = await self._key_set()
        try:
            return self._read(token, keys, sought)
        except ProviderFault:
            if is_new:
                raise
        keys, is_new = await self._key_set(anew=True)  # it may sign by another one since
        return self._read(token, keys, sought)

    def _read(self, token: str, keys: KeySet, sought: Authorization) -> Mapping[str, Any]:
        registry = jwt.JWTClaimsRegistry(
            now=int(self._clock()),
            leeway=_DRIFT_SECONDS,
            iss={"essential": True, "value": self._provider.issuer},
            aud={"essential": True, "value": self._provider.client_id},
            nonce={"essential": True, "value": sought.nonce},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            claims = jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
            registry.validate(claims)
        except (JoseError, UnsupportedAlgorithm, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ProviderFault(f"its token is not good here: {error}"[:_LONGEST_TOLD]) from error
        audience, party = claims["aud"], claims.get("azp", self._provider.client_id)
        if party != self._provider.client_id or (
            isinstance(audience, list) and len(audience) > 1 and "azp" not in claims
        ):
            raise ProviderFault("its token was made for somebody else")
        if not isinstance(claims["nonce"], str):
            raise ProviderFault("its token was made for many sign-ins")
        if not claims["sub"].isprintable() or len(claims["sub"]) > _LONGEST_SUBJECT:
            raise ProviderFault("its token has no subject that can be one")
        if sought.anew and not _is_since(claims.get("auth_time"), sought.begun_at):
            raise ProviderFault("it has not asked who it is again")
        return claims

    async def _key_set(self, *, anew: bool = False) -> tuple[KeySet, bool]:
        """The provider's keys, and whether they were just fetched. They are asked for again once a minute at most."""
        configuration = await self._configuration()
        async with self._lock:
            lasting = _ASKED_AGAIN_SECONDS if anew else _KEPT_SECONDS
            if self._keys is not None and self._keys[0] > self._monotonic() - lasting:
                return self._keys[1], anew
            keys = KeySet(_keys_of(await self._ask_for_all(self._endpoint(configuration, "jwks_uri"))))
            self._keys = (self._monotonic(), keys)
            return keys, True

    def _endpoint(self, configuration: Mapping[str, Any], name: str) -> str:
        """An address that the provider names: encrypted, but on this machine where the provider itself is there."""
        address = _text(configuration, name)
        try:
            parts = urlsplit(address)
            host = parts.hostname
        except ValueError:
            host, parts = None, urlsplit("")
        is_near = parts.scheme == "http" and host in _LOOPBACK and self._provider.issuer.startswith("http:")
        if not host or not (parts.scheme == "https" or is_near):
            raise ProviderFault(f"its {name} is no address that begins with https://")
        return address

    async def _ask_for_all(self, url: str) -> Mapping[str, Any]:
        """The same, of what all wait for who sign in: where it is away each of them would ask, one after the other, and
        the last would hear of it after as many times ten seconds.
        """
        if self._away is not None and self._away[0] > self._monotonic():
            raise ProviderFault(str(self._away[1]), is_away=self._away[1].is_away)
        try:
            return await self._ask("GET", url)
        except ProviderFault as fault:
            self._away = (self._monotonic() + _AWAY_SECONDS, fault)
            raise

    async def _ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        """The JSON object at an address. Follows no redirects, and unpacks nothing, which could be without end."""
        sent = {"accept": "application/json", "user-agent": "Headway", **AS_IT_IS, **(headers or {})}
        try:
            async with (
                asyncio.timeout(_SECONDS),
                httpx.AsyncClient(timeout=_SECONDS, verify=trusted()) as client,
                client.stream(method, url, headers=sent, data=dict(form) if form else None) as answer,
            ):
                content = await content_of(answer, _MOST_BYTES)
        except ContentRefused as refused:
            raise ProviderFault(f"{_plain(url)} cannot be read: {refused}") from refused
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            raise ProviderFault(f"{_plain(url)} does not answer: {type(error).__name__}", is_away=True) from error
        except ValueError as error:
            raise ProviderFault(f"{_plain(url)} cannot be asked: {type(error).__name__}") from error
        if answer.status_code != httpx.codes.OK:
            is_away = answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR
            raise ProviderFault(f"{_plain(url)} answered {answer.status_code}{_error_of(content)}", is_away=is_away)
        found = _json(content)
        if not isinstance(found, dict):
            raise ProviderFault(f"{_plain(url)} answered with what is no object of JSON")
        return found


@cache
def trusted() -> ssl.SSLContext:
    """The certificates that this machine trusts, a provider of one's own among them; reading them takes a while."""
    return ssl.create_default_context()


def _keys_of(found: Mapping[str, Any]) -> list[Key]:
    """Those keys that the library knows: providers have others too, for what we do not ask."""
    told = found.get("keys")
    keys = list[Key]()
    for each in told[:_MOST_KEYS] if isinstance(told, list) else ():
        if not isinstance(each, dict):
            continue
        try:
            if each.get("kty") in _KEY_TYPES:
                keys.append(JWKRegistry.import_key(each))
        except (JoseError, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
            continue
    if not keys:
        raise ProviderFault("it tells no keys that can be read")
    return keys


def _is_since(time_told: object, begun_at: float) -> bool:
    return isinstance(time_told, int | float) and time_told >= begun_at - _DRIFT_SECONDS


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise ProviderFault(f"it tells no {name}")
    return value


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _error_of(content: bytes) -> str:
    """What it calls its refusal, by the words that the standard has for it."""
    found = _json(content)
    error = found.get("error") if isinstance(found, dict) else None
    return f" ({error[:60]})" if isinstance(error, str) and error.isascii() and error.isprintable() else ""


def _plain(url: str) -> str:
    return url.partition("?")[0]
