"""Asking a registry, through an engine, whether it knows credentials."""

from __future__ import annotations

import re

from headway.infra.docker.api import DockerApi, EngineRefused
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

# What engines say of those that do not do as registries do; their own words are not told.
_ANSWERS = (
    ("no such host|server misbehaving", "there is no host of that name"),
    ("x509|certificate|tls", "its certificate is not trusted here"),
    ("HTTP response to HTTPS client", "it speaks HTTP, which an engine takes of the loopback only"),
    ("refused|unreachable|no route|timeout|deadline|EOF|reset", "it does not answer"),
)


class RegistryRefused(InvalidInput):
    """A registry does not take the credentials, or is none."""


async def log_in(api: DockerApi, url: str, username: str, password: Secret) -> None:
    """Returns when the registry takes the credentials; they are kept nowhere. Raises RegistryRefused, EngineAway."""
    asked = {"serveraddress": url, "username": username, "password": password.reveal()}
    try:
        await api.post("/auth", asked)
    except EngineRefused as refused:
        said = refused.message
        if "unauthorized" in said.lower() or "incorrect username or password" in said:
            raise unknown(url, username) from refused
        known = (meaning for words, meaning in _ANSWERS if re.search(words, said, re.IGNORECASE))
        raise unusable(url, next(known, "it does not answer as a registry does")) from refused


def unknown(url: str, username: str) -> RegistryRefused:
    """It does not know the credentials."""
    return RegistryRefused(
        f"The registry {url or 'Docker Hub'} refuses the user {username} with this password. Correct them."
    )


def unusable(url: str, why: str) -> RegistryRefused:
    """It is none that can be used."""
    return RegistryRefused(f"The registry {url or 'Docker Hub'} cannot be used: {why}.")
