"""What a compose service asks of a container engine beside its deployments' commands: look, begin, end, remove."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from headway.drivers.runtimes.compose.bounds import MOST_STOP_SECONDS
from headway.drivers.runtimes.compose.commands import Composing, Docker
from headway.drivers.runtimes.compose.observation import Container, container_of
from headway.drivers.runtimes.container.forced_removal import remove_at_once
from headway.drivers.runtimes.container.start_networks import StartNetworks
from headway.drivers.runtimes.contract.machine import Machine, ProgramAway
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused
from headway.infra.docker.labels import labelled
from headway.infra.docker.memory import KILLED, ran_out_of_memory
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, Unavailable

_SWEEPS = 40
_PAUSE_SECONDS = 0.05
_STOP_SECONDS = 90.0  # beyond the grace, for an engine that is busy
_LET_GO_SECONDS = 10.0
_UP_SECONDS = 50.0
_HEAD_BYTES = 8
_MOST_LOG_BYTES = 8 << 20  # of what is shown at once: ten thousand lines may be far longer
_LOG_SECONDS = 60.0


class ComposeFailed(HeadwayError):
    """Compose could not bring up what it was asked for; the message is its own last line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image on this machine; ``checks_health`` says whether it brings a health check."""

    image_id: str
    checks_health: bool
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The engine of a machine, on which the programs are that speak to it. What is removed is named by labels that
    Headway gave, never by a name; ``beginning`` is where containers begin. Every call may raise EngineAway and
    EngineRefused, and HostUnreachable where it is that of a server.
    """

    docker: Docker
    api: DockerApi
    machine: Machine
    beginning: StartNetworks | None = None

    async def present(self) -> None:
        """Returns when the engine answers. Raises EngineAway."""
        await self.api.require()

    async def group(self) -> int | None:
        """Whose the engine's socket is: a process of that group may speak to it. None where there is none."""
        return await self.machine.group_of(self.docker.address.removeprefix("unix://"))

    async def memory_bytes(self) -> int:
        """How much memory its machine has."""
        return int((await self.api.get("/info"))["MemTotal"])

    async def containers(self, **labels: str) -> list[Container]:
        """Every container that carries these labels, whether it runs or not."""
        listed = await self.api.get("/containers/json", all=True, filters=labelled(**labels))
        found = await asyncio.gather(*(self.api.find(f"/containers/{each['Id']}/json") for each in listed))
        told = {each["Id"]: str(each.get("Status") or "") for each in listed}
        return [container_of(each, told[each["Id"]]) for each in found if each is not None]

    async def noted(self, container: Container) -> Container:
        """A container that has ended, once the engine has noted whether that was for its memory."""
        if container.exit_code != KILLED or container.out_of_memory:
            return container
        return replace(
            container, out_of_memory=await ran_out_of_memory(self.api, container.container_id, container.exit_code)
        )

    async def images(self, names: Sequence[str]) -> dict[str, Image]:
        """These images, as far as they are on this machine. A name that is the beginning of an id names none."""
        found: dict[str, Image] = {}
        for name in names:
            image = await self.api.find(f"/images/{name}/json")
            if image is not None and not image["Id"].removeprefix("sha256:").startswith(name):
                configuration = image.get("Config") or {}
                test = (configuration.get("Healthcheck") or {}).get("Test") or ["NONE"]
                labels = configuration.get("Labels") or {}
                found[name] = Image(image_id=image["Id"], checks_health=test[0] != "NONE", labels=labels)
        return found

    async def tag(self, image_id: str, name: str) -> None:
        """Gives an image one more name."""
        repository, _, tag = name.rpartition(":")
        await self.api.post(f"/images/{image_id}/tag", repo=repository, tag=tag)

    async def names_in(self, repository: str) -> list[str]:
        """Every name that images have in a repository, which may end with an asterisk."""
        listed = await self.api.get("/images/json", filters={"reference": [f"{repository}:*"]})
        names = (name for image in listed for name in image["RepoTags"] or ())
        return sorted(name for name in names if name.startswith(repository.rstrip("*")))

    async def take_back(self, name: str) -> None:
        """Takes a name from an image, which goes with its last one; no error where it is in use or gone."""
        with suppress(EngineRefused):
            await self.api.delete(f"/images/{name}")

    async def untag(self, repository: str) -> None:
        """Takes back every name that images have in a repository."""
        for name in await self.names_in(repository):
            await self.take_back(name)

    async def start(self, container_ids: Sequence[str]) -> None:
        """Starts containers that are there."""
        for container_id in container_ids:
            await self.api.post(f"/containers/{container_id}/start")

    async def stop(self, containers: Sequence[Container], *, most_seconds: int = MOST_STOP_SECONDS) -> None:
        """Stops containers as each wishes to be stopped, within ``most_seconds``, after which they are killed; returns
        when none of them runs.
        """
        await asyncio.gather(*(self._stop(each, _grace_of(each, most_seconds)) for each in containers))

    async def restart(self, container: Container) -> None:
        """Stops and starts one container."""
        grace = _grace_of(container, MOST_STOP_SECONDS)
        path = f"/containers/{container.container_id}/restart"
        await self.api.post(path, t=grace, seconds=grace + _STOP_SECONDS)

    async def set_restart(self, container_ids: Sequence[str], policy: str) -> None:
        """What becomes of containers that end by themselves, and when the engine comes back: ``policy`` is as in a
        compose file ("no", "always", "on-failure:3").
        """
        word, _, most = policy.partition(":")
        wanted = {"Name": word, "MaximumRetryCount": int(most or 0)}
        for container_id in container_ids:
            await self.api.post(f"/containers/{container_id}/update", {"RestartPolicy": wanted})

    async def remove(self, networks: Mapping[str, str] | None = None, /, **labels: str) -> None:
        """Kills and removes every container with these labels, until twice in a row there is none: what a program that
        was killed had asked for comes a moment later. The ``networks`` with those labels go meanwhile: after that
        nothing comes up in them. Volumes stay.
        """
        quiet = 0
        for _ in range(_SWEEPS):
            found = await self.api.get("/containers/json", all=True, filters=labelled(**labels))
            if found:
                quiet = 0
                await self.remove_these([each["Id"] for each in found])
                continue
            quiet += 1
            if quiet == 2:
                return
            await asyncio.gather(asyncio.sleep(_PAUSE_SECONDS), self._try_to_remove_networks(networks))
        raise EngineAway("it goes on making containers that are being removed")

    async def remove_these(self, container_ids: Sequence[str]) -> None:
        """Kills and removes containers."""
        await remove_at_once(self.api, container_ids)

    async def remove_networks(self, **labels: str) -> None:
        """Removes the networks with these labels. Raises Unavailable where a swarm does not let one of them go."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LET_GO_SECONDS
        while True:
            try:
                return await self._remove_networks(labels)
            except EngineRefused as refused:
                if "in use by task" not in refused.message:  # a swarm knows of a task for a moment after its end
                    raise
                if loop.time() >= deadline:
                    raise Unavailable(
                        f"The swarm does not let go a network whose tasks have ended. {refused.message}"
                    ) from refused
            await asyncio.sleep(_PAUSE_SECONDS)

    async def remove_volumes(self, **labels: str) -> None:
        """Removes the volumes with these labels, and what is in them."""
        for each in (await self.api.get("/volumes", filters=labelled(**labels)))["Volumes"] or ():
            await self.api.delete(f"/volumes/{each['Name']}")

    async def logs(self, container: Container, *, tail: int, since: datetime | None = None) -> bytes:
        """The last lines that a container wrote, of both its outputs; fewer where they are very long."""
        kept, is_cut = bytearray(), False
        try:
            async with asyncio.timeout(_LOG_SECONDS), aclosing(self._written(container, tail, since)) as pieces:
                async for piece in pieces:
                    kept += piece
                    if len(kept) > 2 * _MOST_LOG_BYTES:
                        del kept[:-_MOST_LOG_BYTES]
                        is_cut = True
        except TimeoutError as error:
            raise EngineAway(f"no end of a log within {_LOG_SECONDS:g} s", self.api.place) from error
        # A line of which the beginning is gone may begin with half a secret.
        return bytes(kept.partition(b"\n")[2] if is_cut else kept)

    async def follow(self, container: Container, *, tail: int, since: datetime | None = None) -> AsyncIterator[bytes]:
        """What a container writes, from its last lines on, until it ends or nobody reads any more."""
        async with aclosing(self._written(container, tail, since, follow=True)) as pieces:
            async for piece in pieces:
                yield piece

    async def _written(
        self, container: Container, tail: int, since: datetime | None, *, follow: bool = False
    ) -> AsyncGenerator[bytes, None]:
        outputs, path = Unwrapping(), f"/containers/{container.container_id}/logs"
        async with aclosing(self.api.stream(path, follow=follow, **_lines(tail, since))) as pieces:
            async for piece in pieces:
                text = piece if container.has_terminal else outputs.feed(piece)
                if text:
                    yield text

    async def up_more(self, composing: Composing, services: Mapping[str, int]) -> None:
        """Lets Compose make the containers that are not there, outside of any deployment. Raises ComposeFailed."""
        await self.run(composing.up_more(services), composing.file, what=", ".join(services), env=composing.env)

    async def run(self, argv: Sequence[str], text: bytes, *, what: str, env: Mapping[str, str] | None = None) -> None:
        """Lets a command of Docker's bring something up, outside of any deployment. Raises ComposeFailed."""
        try:
            ran = await self.machine.run(argv, self.docker.env if env is None else env, text.decode(), _UP_SECONDS)
        except ProgramAway as error:
            raise EngineAway(error.message) from error
        if ran.status:
            said = ran.output.strip().splitlines()
            raise ComposeFailed(f"Docker could not bring {what} up: {said[-1] if said else 'no word'}")

    async def _try_to_remove_networks(self, labels: Mapping[str, str] | None) -> None:
        with suppress(EngineRefused):  # something has come up in one of them
            if labels is not None:
                await self._remove_networks(labels)

    async def _remove_networks(self, labels: Mapping[str, str]) -> None:
        for each in await self.api.get("/networks", filters=labelled(**labels)):
            await self.api.delete(f"/networks/{each['Id']}")

    async def _stop(self, container: Container, grace: int) -> None:
        path = f"/containers/{container.container_id}/stop"
        try:
            await self.api.post(path, t=grace, seconds=grace + _STOP_SECONDS)
        except EngineRefused as refused:
            if refused.status != 404:
                raise


def _grace_of(container: Container, most_seconds: int) -> int:
    """How long a container is given: one that was made before there was a bound may wish for more."""
    return most_seconds if container.grace_seconds < 0 else min(container.grace_seconds, most_seconds)


class Unwrapping:
    """A container's two outputs, which come with a head of eight bytes before each piece, and in parts of any size, as
    one; nothing is kept but a head that has not come to its end.
    """

    def __init__(self) -> None:
        self._head = b""
        self._left = 0

    def feed(self, output: bytes) -> bytes:
        """What the outputs say in these bytes."""
        pieces, position = [], 0
        while position < len(output):
            if not self._left:
                taken = output[position : position + _HEAD_BYTES - len(self._head)]
                self._head += taken
                position += len(taken)
                if len(self._head) == _HEAD_BYTES:
                    self._left, self._head = int.from_bytes(self._head[4:]), b""
                continue
            pieces.append(output[position : position + self._left])
            position += len(pieces[-1])
            self._left -= len(pieces[-1])
        return b"".join(pieces)


def _lines(tail: int, since: datetime | None) -> dict[str, Any]:
    query: dict[str, Any] = {"stdout": True, "stderr": True, "tail": str(tail)}
    if since is not None:
        query["since"] = f"{max(0.0, since.timestamp()):.9f}"
    return query
