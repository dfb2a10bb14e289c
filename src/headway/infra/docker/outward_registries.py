"""Asking a registry whether it knows credentials, without an engine: one that is to be of the internet."""

from __future__ import annotations

import re

import httpx

from headway.infra.docker.registries import RegistryRefused, unknown, unusable
from headway.infra.outward_connections import LeadsNear
from headway.infra.outward_http import transport
from headway.kernel.secret import Secret

_HUB = "registry-1.docker.io"
_SECONDS = 15.0
_FIELD = re.compile(r'(?<!\w)(\w++)="([^"]*)"')  # not from each letter of a very long word on


async def log_in_outward(url: str, username: str, password: Secret) -> None:
    """Returns when the registry takes the credentials: whatever it names, no connection leads but to the internet.
    Raises RegistryRefused.
    """
    host, slash, path = (url or _HUB).partition("/")
    login = httpx.BasicAuth(username, password.reveal())
    try:
        async with httpx.AsyncClient(transport=transport(), trust_env=False, timeout=_SECONDS) as client:
            status, asks = await _asked(client, f"https://{host}{slash}{path.rstrip('/')}/v2/", login)
            if status == httpx.codes.UNAUTHORIZED and (realm := _realm(asks)) is not None:
                status, _ = await _asked(client, realm, login)
    except LeadsNear as near:
        raise RegistryRefused(near.message) from near
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise unusable(url, "it does not answer over HTTPS") from error
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise unknown(url, username)
    if status != httpx.codes.OK:
        raise unusable(url, "it does not answer as a registry does")


async def _asked(client: httpx.AsyncClient, url: str, login: httpx.Auth) -> tuple[int, str]:
    """The status, and how it wants to be asked; nothing else is read, and no redirect followed."""
    async with client.stream("GET", url, auth=login, follow_redirects=False) as answer:
        return answer.status_code, answer.headers.get("www-authenticate", "")


def _realm(asks: str) -> str | None:
    """Where a token is given, of one that wants tokens."""
    if not asks.lower().startswith("bearer "):
        return None
    fields = dict(_FIELD.findall(asks))
    realm = httpx.URL(fields.get("realm", ""))
    if realm.scheme != "https":
        raise httpx.InvalidURL("a token is asked for over HTTPS")
    return str(realm.copy_merge_params({"service": fields.get("service", "")}))
