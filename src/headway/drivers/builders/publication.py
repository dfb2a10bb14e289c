"""Taking an image to a registry, from which other machines fetch it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from headway.drivers.builders.base import BuildError
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
from headway.kernel.phrase import phrase

UNDO_PUSH = "image-push"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The image's name in a registry, and what opens that. An empty ``registry`` is Docker Hub. What is ``guarded`` is
    a registry of the internet.
    """

    name: str
    registry: str
    login: Typed = field(repr=False)
    cli: Docker
    api: DockerApi
    step_seconds: float | None = None
    guarded: bool = False


async def publish(work: Work, image: Image, to: Destination) -> Image:
    """The image, as other machines can fetch it too. Raises BuildError."""
    name = to.name
    if to.guarded:
        await _require_outward(to.registry)
    await work.undo(UNDO_PUSH, {"configuration": to.cli.configuration, "image": name})
    await images.keep(to.api, image, name)
    await work.host.make_folder(to.cli.configuration)
    why = await asked(work, "push-login", _command(to, to.login))
    if why is not None:
        raise BuildError(
            f"The registry {to.registry or 'Docker Hub'} does not let us in: {why}. Correct its user and password, "
            "or choose another registry."
        )
    why = await asked(work, "push", _command(to, to.cli.push(name)))
    if why is not None:
        raise BuildError(f"The image cannot be taken to {name}: the registry says that {why}.")
    # Only now, and by the undo of a run that fails: a panel that stops meanwhile leaves the credentials for the next,
    # which does not log in again.
    await work.host.remove_tree(to.cli.configuration)
    found = await images.inspect(to.api, name, name)
    if found is None or found.digest is None:
        raise BuildError(f"The image was taken to {name}, and its registry gave no digest. Deploy again.")
    pullable = f"{name.rpartition(':')[0]}@{found.digest}"
    await work.say(phrase("Other machines fetch it as {}.", pullable))
    return replace(image, pullable=pullable)


async def undo(host: Host, api: DockerApi, data: Mapping[str, Any]) -> None:
    """Takes back what taking it there has left here. The registry keeps its own."""
    await host.remove_tree(data["configuration"])
    await images.let_go(api, data["image"])


async def _require_outward(registry: str) -> None:
    """Whether the registry is of the internet now: the engine looks it up once more. Raises BuildError."""
    try:
        await require_outward((registry,))
    except LeadsNear as near:
        raise BuildError(near.message) from near
    except (OSError, TimeoutError):
        return  # the engine says so, or has a proxy that knows better


def _command(to: Destination, typed: Typed) -> Command:
    return Command(
        stages=(Stage(argv=typed.argv),),
        env=typed.env,
        stdin=typed.stdin,
        capture=typed.capture,
        step_seconds=to.step_seconds,
    )
