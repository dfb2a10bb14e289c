"""Brings the images of a compose service with the credentials of the registries that it names, and takes those that are
built to where other machines fetch them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.run import Run, RunFailed
from headway.drivers.runtimes.compose import commands, conversion
from headway.drivers.sources.image import pullable_of, registry_of, with_tag
from headway.features.destinations.address_check import require_outward_now
from headway.features.services.compose.model import Record
from headway.features.services.compose.plan import ComposePlan
from headway.features.services.compose.tools import ComposeContext
from headway.infra.docker import images
from headway.infra.docker.cli import Docker, Typed
from headway.infra.docker.registries import asked
from headway.infra.hosts.command import Account, Command, Stage
from headway.kernel.dataclass import dataclass
from headway.kernel.phrase import phrase
from headway.kernel.secret import Secret

UNDO_LOGIN = "login"
UNDO_PUSH = "push"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDistribution:
    """The images of one deploy."""

    run: Run
    plan: ComposePlan
    tools: ComposeContext

    async def pull(self, record: Record) -> None:
        """Brings the images that are not built here; one that cannot be had now is taken as it is on its machine. A
        redeploy fetches none that is there. Raises RunFailed.
        """
        wanted = {service["image"] for service in record.file["services"].values() if not service.get("build")}
        names = sorted(name for name in wanted if not name.startswith(conversion.IMAGES))
        there = await self.tools.engine.images(names)
        to_fetch = [name for name in names if not (self.plan.again and name in there)]
        if not to_fetch:
            return
        async with self.logged_in("pull") as docker:
            for name in to_fetch:
                await self._fetch(docker, name, is_there=name in there)

    def names_to_push(self, record: Record) -> dict[str, str]:
        """The names that the file gives to images that are built, where they lead to a registry of this compose
        service, by what these images are called here.
        """
        registries = {each["url"] for each in self.plan.registries}
        built = (service for service in record.file["services"].values() if service.get("build"))
        told = {str(service["image"]): str(service["labels"][conversion.IMAGE]) for service in built}
        return {image: with_tag(name) for image, name in told.items() if _leads_to(registries, name)}

    async def push(self, record: Record) -> dict[str, str]:
        """Takes these images to their registries; how every machine fetches them, by what they are called here. Raises
        RunFailed.
        """
        async with self.logged_in("push") as docker:
            return {image: await self._push(docker, image, name) for image, name in self.names_to_push(record).items()}

    async def forget_pushed(self, record: Record) -> None:
        """Takes away the names that were needed for it: here images have names of Headway's own."""
        for name in self.names_to_push(record).values():
            await self.tools.engine.take_back(name)

    async def _push(self, docker: commands.Docker, image: str, name: str) -> str:
        await self._require_outward(registry_of(name))
        await self.run.undo(UNDO_PUSH, {"image": name})
        await self.tools.engine.tag(image, name)
        why = await asked(self.run, f"push {name}", _command(_line(docker).push(name)))
        if why is not None:
            raise RunFailed(f"The image {name} cannot be taken to its registry: {why}.")
        found = await images.inspect(self.tools.stacks.api, name, name)
        pullable = None if found is None else pullable_of(found)
        if pullable is None:
            raise RunFailed(f"The image was taken to {name}, and its registry gave no digest. Deploy again.")
        await self.run.say(phrase("Other machines fetch it as {}.", pullable))
        return pullable

    async def _fetch(self, docker: commands.Docker, name: str, *, is_there: bool) -> None:
        host = registry_of(name)
        if self.plan.guarded:
            await self._require_outward(host)
        why = await asked(self.run, f"pull {name}", _command(_line(docker).pull(name)))
        if why is None:
            return
        if not is_there:
            raise RunFailed(
                f"The image {name} cannot be pulled, and is not on its machine: of its registry is known that {why}."
            )
        await self.run.say(phrase("{} could not be pulled ({}); the copy on its machine is used.", name, why))

    async def _require_outward(self, host: str) -> None:
        """Whether a registry that nobody who may use the machine has given is one of the internet now. A server is its
        organisation's own. Raises RunFailed.
        """
        if self.tools.host_id == LOCAL_HOST and host not in self.plan.given:
            await require_outward_now(host)

    @asynccontextmanager
    async def logged_in(
        self, use: str, *, account: Account | None = None, apart: bool = False
    ) -> AsyncIterator[commands.Docker]:
        """The command line with the credentials, which are removed after the use; by the undo where that fails. A panel
        that stops meanwhile leaves them: the next goes on, and repeats no command that has ended. ``account`` is who
        types it. Where it is to leave nothing to others, ``apart`` gives it a folder even without credentials.
        """
        docker = self.tools.engine.docker
        if not self.plan.registries and not apart:
            yield docker
            return
        folder = self.tools.folders.login(self.run.deployment.deployment_id)
        await self.run.undo(UNDO_LOGIN, {"folder": folder})
        await self.run.host.make_folder(folder, owner=account)
        await self._log_in(folder, use, account)
        yield replace(docker, config_folder=folder)
        await self.run.host.remove_tree(folder)

    async def _log_in(self, folder: str, use: str, account: Account | None) -> None:
        line = _line(replace(self.tools.engine.docker, config_folder=folder))
        for number, each in enumerate(self.plan.registries, 1):
            await self._require_outward(each["url"].partition("/")[0])
            typed = line.login(each["url"], each["username"], Secret(each["password"]))
            why = await asked(self.run, f"login {number} to {use}", _command(typed, account))
            if why is not None:
                raise RunFailed(
                    f"The registry {each['url'] or 'Docker Hub'} does not let the user {each['username']} in: {why}. "
                    "Correct it, or take it from the registries of this compose service (registryIds)."
                )


def _line(docker: commands.Docker) -> Docker:
    return Docker(host=docker.address, configuration=docker.config_folder)


def _command(typed: Typed, account: Account | None = None) -> Command:
    stages = (Stage(argv=typed.argv, account=account),)
    return Command(stages=stages, env=typed.env, stdin=typed.stdin, capture=typed.capture)


def _leads_to(registries: Collection[str], image: str) -> bool:
    """Whether it is a name, which one with spaces only says not to be, and not that of one image alone, by a digest."""
    return " " not in image and "@" not in image and registry_of(image) in registries
