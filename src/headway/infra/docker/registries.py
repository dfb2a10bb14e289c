"""Asking a registry, through an engine, whether it knows credentials."""

from __future__ import annotations

from headway.infra.docker.api import DockerApi, EngineRefused
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret


class RegistryRefused(InvalidInput):
    """A registry does not take the credentials, or is none."""


async def log_in(api: DockerApi, url: str, username: str, password: Secret) -> None:
    """Returns when the registry takes the credentials; they are kept nowhere. Raises RegistryRefused, EngineAway."""
    asked = {"serveraddress": url, "username": username, "password": password.reveal()}
    try:
        await api.post("/auth", asked)
    except EngineRefused as refused:
        where = url or "Docker Hub"
        if "unauthorized" in refused.message.lower() or "incorrect username or password" in refused.message:
            raise RegistryRefused(
                f"The registry {where} refuses the user {username} with this password. Correct them."
            ) from refused
        said = refused.message.removeprefix("Docker refuses: ")
        raise RegistryRefused(f"The registry {where} cannot be used: {said}") from refused
