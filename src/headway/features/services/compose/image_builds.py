"""Builds the images of a compose service that are built: one after the other, for on most machines what serves runs
beside them; within a control group, which bounds what they use and ends their steps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

from headway.core.deployments.run import RunFailed
from headway.core.deployments.status import Reason
from headway.drivers.builders.base import BuildError
from headway.drivers.builders.engine import fail, told
from headway.drivers.builders.recipe import Sources, lay_out, let_fetch, was_denied
from headway.drivers.runtimes.compose.compose_builds import Built, builds_of
from headway.features.services.compose.image_distribution import ImageDistribution
from headway.features.services.compose.model import Record
from headway.infra.docker.cli import Docker, ImageBuild
from headway.infra.docker.image_names import is_kept, is_of_the_machine
from headway.infra.hosts.command import Account, Command, Stage
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.phrase import phrase

UNDO_BUILD = "image-build"
Note = Callable[[], Awaitable[None]]


async def build(image_distribution: ImageDistribution, record: Record, *, fetches: Note) -> None:
    """Builds what the file says; ``fetches`` notes that the engine fetches what the machine reaches, where nobody knows
    yet. Raises InvalidInput, OutOfMemory and RunFailed.
    """
    builds = builds_of(record.file, record.variables)
    if not builds:
        return
    run, group = image_distribution.run, image_distribution.plan.compose_id
    await image_distribution.tools.engine.api.require_policies()
    await run.undo(UNDO_BUILD, {"group": group})
    ruled = not image_distribution.plan.settings.host_access and await image_distribution.tools.is_ruled(group)
    if image_distribution.tools.engine.beginning is not None:
        await image_distribution.tools.engine.beginning.ready()
    path = await run.host.make_group(group, image_distribution.tools.limits, ruled=ruled)
    account = await _account(image_distribution)
    async with image_distribution.logged_in("build", account=account, apart=True) as docker:
        line = Docker(host=docker.address, configuration=docker.config_folder)
        for each in builds:
            await _Building(image_distribution, line, account, group, path, fetches).build(each)
    await run.host.end_group(group)


@dataclass(frozen=True, slots=True)
class _Building:
    image_distribution: ImageDistribution
    line: Docker
    account: Account | None
    group: str
    path: str | None
    fetches: Note

    async def build(self, built: Built) -> None:
        run, names = self.image_distribution.run, ", ".join(built.services)
        name = f"build {names}"
        await run.say(phrase("Building {}.", names))
        command, where = self._command(await self._laid_out(built)), self.line.configuration
        if self.image_distribution.plan.settings.engine_fetch is None and await was_denied(run, name, command, where):
            await let_fetch(run, self._sources(built), where, self.fetches, owner=self.account)
            name = f"{name} with engineFetch"
        ended = await run.command(name, command, check=False)
        if not ended.succeeded:
            ran_out = await run.host.end_group(self.group)
            await fail(run, name, command, ran_out=ran_out, bound_by="HEADWAY_BUILD_MEMORY")

    async def _laid_out(self, built: Built) -> ImageBuild:
        plan, tools = self.image_distribution.plan, self.image_distribution.tools
        has_machine = plan.settings.host_access
        sources = self._sources(built)
        below = None if has_machine else tools.folders.own(plan.compose_id)
        wanted = replace(built.build, group=self.path, caches=self.group)
        try:
            for name in () if has_machine else built.caches_from:
                _require_cache(name, sources.registries)
            return await lay_out(
                self.image_distribution.run, wanted, sources, self.line.configuration, owner=self.account, below=below
            )
        except (BuildError, InvalidInput) as error:
            raise RunFailed(error.message, Reason.REFUSED) from error

    def _sources(self, built: Built) -> Sources:
        plan = self.image_distribution.plan
        return Sources(
            own=built.own,
            registries=tuple(each["url"] for each in plan.registries),
            anything=plan.settings.host_access or bool(plan.settings.engine_fetch),
        )

    def _command(self, build: ImageBuild) -> Command:
        typed = told(self.line.build(build))
        settings = self.image_distribution.plan.settings
        return Command(
            stages=(Stage(argv=typed.argv, account=self.account),),
            env=typed.env,
            stdin=typed.stdin,
            limits=self.image_distribution.tools.limits,
            step_seconds=settings.deadlines.step_seconds,
            inactivity_seconds=settings.deadlines.inactivity_seconds,
        )


def _require_cache(name: str, registries: Collection[str]) -> None:
    """Raises InvalidInput for a cache that would be asked for on the machine's own network, or is a release's."""
    is_given = any(each and name.startswith(f"{each}/") for each in registries)
    if is_kept(name) or (is_of_the_machine(name) and not is_given):
        raise InvalidInput(
            f"The build takes a cache from {name} (cache_from), which is a release of a service here, or on the "
            "machine's own network. Take it from a registry of this compose service (registryIds)."
        )


async def _account(image_distribution: ImageDistribution) -> Account | None:
    """Who types it: with the group of the engine's socket the owner of the files may speak to it, and reads no more
    than them. Where an owner has let the file use the host, that is not enough.
    """
    account, group = image_distribution.plan.build_account, await image_distribution.tools.engine.group()
    if account is None or group is None or image_distribution.plan.settings.host_access:
        return None
    return Account(uid=account.uid, gid=group)
