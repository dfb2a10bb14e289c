"""Brings registries of images."""

from __future__ import annotations

from functools import partial

from headway.features.registries.model import Credentials
from headway.features.registries.service import RegistryService
from headway.infra.docker.api import DockerApi
from headway.infra.docker.registries import log_in
from headway.module import Base


def install_registries(base: Base) -> RegistryService:
    """Registries, whose credentials are tried before they are saved."""
    return RegistryService(db=base.db, vault=base.vault, trial=partial(_try_registry, base.machine.docker))


async def _try_registry(api: DockerApi, credentials: Credentials) -> None:
    """Returns when a registry knows the credentials."""
    if credentials.guarded:
        from headway.infra.docker.outward_registries import log_in_outward  # noqa: PLC0415 - a start does without it

        await log_in_outward(credentials.url, credentials.username, credentials.password)
        return
    await log_in(api, credentials.url, credentials.username, credentials.password)
