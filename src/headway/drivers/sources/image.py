"""The source of applications that are there as images: fetched from a registry, and known by their digest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headway.drivers.sources.base import SourceError
from headway.infra.docker import images
from headway.infra.docker.api import DockerApi
from headway.infra.docker.cli import Docker, Typed
from headway.infra.docker.registries import asked
from headway.infra.hosts.base import Host
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.work import Work
from headway.infra.outward_connections import LeadsNear, require_outward
from headway.kernel.artifacts import Image
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.phrase import phrase
from headway.kernel.secret import Secret

UNDO_PULL = "image-pull"
ALGORITHM = "sha256:"

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?/)?"
_NAME = re.compile(rf"{_HOST}{_PART}(?:/{_PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?")
_LONGEST = 512
_HUB = "docker.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledSpec:
    """Which image: its name, with a tag or a digest. ``registry``, ``username`` and ``password`` open what is not for
    everybody; an empty registry is Docker Hub. ``kept_as`` is the name under which it stays on the host. What is
    ``guarded`` comes from a registry of the internet.
    """

    name: str
    kept_as: str
    registry: str = ""
    username: str | None = None
    password: Secret | None = None
    guarded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """An image of a registry as a source; nothing is built of it."""

    spec: PulledSpec
    api: DockerApi
    cli: Docker
    step_seconds: float | None = None

    async def fetch(self, work: Work, digest: str | None = None) -> Image:
        """Brings the image to the host, and gives it the name by which it stays: the newest of its name, or the one of
        this digest, for which no registry is asked where it is there. Raises InvalidInput, SourceError, ImageUnusable.
        """
        name = checked_name(self.spec.name)
        if digest is not None:
            name = f"{_without_tag(name)}@{ALGORITHM}{digest}"
        await self.api.require()
        await work.undo(UNDO_PULL, {"configuration": self.cli.configuration, "image": self.spec.kept_as})
        image = await images.inspect(self.api, name, name, own={}) if digest is not None else None
        if image is None:
            image = await self._pull(work, name)
        await images.keep(self.api, image, self.spec.kept_as)
        await work.say(phrase("Image {}: {}{}", image.name, ALGORITHM, digest_of(image)))
        return image

    async def _pull(self, work: Work, name: str) -> Image:
        if self.spec.guarded:
            await _require_outward(registry_of(name), self.spec.registry)
        # Where this fails the undo removes the credentials. A panel that stops meanwhile leaves them: the next goes on,
        # and repeats no command that has ended.
        await work.host.make_folder(self.cli.configuration)
        await self._log_in(work)
        why = await asked(work, "pull", self._command(self.cli.pull(name)))
        if why is not None:
            raise SourceError(f"The image {name} cannot be pulled: of its registry is known that {why}.")
        await work.host.remove_tree(self.cli.configuration)
        image = await images.inspect(self.api, name, name, own={})
        if image is None:
            raise SourceError(f"The image {name} was fetched and is not there any more. Deploy again.")
        return image

    async def _log_in(self, work: Work) -> None:
        spec = self.spec
        if not spec.username or spec.password is None:
            return
        typed = self.cli.login(spec.registry, spec.username, spec.password)
        why = await asked(work, "registry-login", self._command(typed))
        if why is not None:
            raise SourceError(
                f"The registry {spec.registry or 'Docker Hub'} does not let the user {spec.username} in: {why}. "
                "Correct its address, the user and the password."
            )

    def _command(self, typed: Typed) -> Command:
        return Command(
            stages=(Stage(argv=typed.argv),),
            env=typed.env,
            stdin=typed.stdin,
            capture=typed.capture,
            step_seconds=self.step_seconds,
        )


async def _require_outward(*registries: str) -> None:
    """Whether registries are of the internet now: the engine looks them up once more. Raises SourceError."""
    try:
        await require_outward(registries)
    except LeadsNear as near:
        raise SourceError(near.message) from near
    except (OSError, TimeoutError):
        return  # the engine says so, or has a proxy that knows better


def checked_name(name: str) -> str:
    """The name itself, if an image can be called so. Raises InvalidInput."""
    if len(name) > _LONGEST or not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name[:100]!r} is no name of an image: give one such as nginx:1.27, or one with its registry, "
            "such as registry.example.org/team/shop:main."
        )
    return name


def registry_of(name: str) -> str:
    """The registry that a name of an image leads to, as Docker reads it; empty is Docker Hub."""
    host, slash, _ = name.partition("/")
    is_host = bool(slash) and (host == "localhost" or "." in host or ":" in host or host != host.lower())
    return host if is_host and host != _HUB else ""


def with_tag(name: str) -> str:
    """The name with the tag that Docker takes where it has none."""
    return f"{name}:latest" if _without_tag(name) == name else name


def digest_of(image: Image) -> str:
    """The digest without its algorithm: of the registry, or, where it has none, the image's own."""
    return (image.digest or image.reference).removeprefix(ALGORITHM)


def pullable_of(image: Image) -> str | None:
    """The name with its digest, by which any machine fetches the same image; None for one that no registry knows."""
    return None if image.digest is None else f"{_without_tag(image.name)}@{image.digest}"


async def undo(host: Host, api: DockerApi, data: Mapping[str, Any]) -> None:
    """Takes back what a fetch has begun."""
    await host.remove_tree(data["configuration"])
    await images.let_go(api, data["image"])


def _without_tag(name: str) -> str:
    bare = name.partition("@")[0]
    repository, colon, tag = bare.rpartition(":")
    return repository if colon and "/" not in tag else bare
