"""The deploy of a compose service: read, pull and build, then replace beside or in place; else all is as before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Json, Run, RunFailed, Success, Undoing
from headway.core.deployments.status import Reason
from headway.domains.composes import store
from headway.domains.composes.bringing import Bringing
from headway.domains.composes.model import DOCKER_COMPOSE, DROP, RAW, Record
from headway.domains.composes.plan import Plan, Planning
from headway.domains.composes.reading import RAW_FILE, Reading
from headway.domains.composes.rollout import (
    Rollout,
    Watch,
    left_by_failure,
    orphaned,
    rollout,
    taken_ports,
    to_bring_up,
)
from headway.domains.composes.taking_back import take_back
from headway.domains.composes.tools import Tools
from headway.infra.db.transaction import Tx
from headway.infra.hosts.command import Command
from headway.kernel.artifacts import Commit
from headway.seams.runtimes.compose import commands, converted
from headway.seams.runtimes.compose.observed import Container
from headway.seams.runtimes.compose.ways import Way
from headway.seams.sources.git import undo as undo_source

KIND = "compose.deploy"
VERSION = 2  # raised with every change to the steps below: a run of another version is not resumed
START = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployKind:
    """How a compose service is deployed; fits ``core.deployments.run.Kind``."""

    planning: Planning
    tools: Tools
    name: str = KIND
    version: int = VERSION
    repeatable_until: str | None = START

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The compose service as it is now. Raises RunFailed (refused) where it is gone."""
        return self.planning.freeze(tx, deployment)

    async def perform(self, run: Run) -> Success:
        """See the module's docstring; every line is a recorded step."""
        deploy = _Deploy(run, Plan.load(run.plan), self.tools)
        commit = await deploy.source()
        await deploy.lay_out(commit)
        await deploy.read(commit)
        await deploy.pull()
        await deploy.build()
        plan = await deploy.decide(commit)
        try:
            await deploy.start(plan)
            await deploy.start_beside(plan)
            finished = await deploy.health_check(plan)
            await deploy.route()
        except RunFailed as failure:
            left = left_by_failure(plan, served=deploy.serves)
            raise RunFailed(f"{failure.message.rstrip('.')}. {left}", failure.reason) from failure
        return deploy.success(plan, finished, commit)

    async def undo(self, undoing: Undoing, name: str, data: Json) -> None:
        """Takes back one effect."""
        if not await undo_source(undoing.host, name, data):
            await take_back(self.tools, undoing, name, data)


class _Deploy:
    """The steps of one deploy."""

    def __init__(self, run: Run, plan: Plan, tools: Tools) -> None:
        self._run = run
        self._plan = plan
        self._tools = tools
        self._release_id = run.deployment.deployment_id
        self._root = tools.folders.release(plan.compose_id, self._release_id)
        self._identity = tools.identity(plan.compose_id, plan.app_name)
        self._bringing = Bringing(run=run, plan=plan, tools=tools)
        self._labels = {"panel": tools.panel_id, "compose": plan.compose_id}

    @property
    def serves(self) -> bool:
        """Whether a release was up before."""
        return self._plan.serving is not None and self._plan.was_up

    async def source(self) -> Commit | None:
        """The commit to deploy, None for a file that is written by hand."""

        async def fetch() -> Json:
            await self._tools.room.require(self._run)
            await self._tools.engine.present()
            if self._plan.settings.compose_type != DOCKER_COMPOSE:
                raise RunFailed(
                    "Stacks of a swarm are not deployed by this version. Set composeType to docker-compose.",
                    Reason.REFUSED,
                )
            if self._plan.settings.source_type == RAW:
                return None
            if self._plan.commit is not None:
                await self._run.say(f"Deploying commit {self._plan.commit.hash[:12]} again, without fetching.")
                return asdict(self._plan.commit)
            return asdict(await self._tools.source(self._plan).fetch(self._run))

        found = await self._run.step("source", fetch)
        if found is None:
            return None
        commit = Commit(**found)
        await self._run.describe(
            title=commit.subject or None,
            description=f"{'Archive' if self._plan.settings.source_type == DROP else 'Commit'}: {commit.hash}",
            hash=commit.hash,
            message=commit.subject,
            author=commit.author,
            branch=commit.branch,
        )
        return commit

    async def lay_out(self, commit: Commit | None) -> None:
        """The files of this deploy, in a folder of their own."""

        async def write() -> Json:
            folders, host, account = self._tools.folders, self._run.host, self._plan.build_account
            await self._run.undo("release", self._data)
            await host.make_folder(folders.own(self._plan.compose_id), owner=account)
            if commit is not None:
                await self._tools.source(self._plan).check_out(self._run, commit, self._root)
            else:
                await host.make_folder(self._root, owner=account)
                text = self._plan.settings.compose_file.encode()
                await host.write_file(f"{self._root}/{RAW_FILE}", text, owner=account)
            await host.make_folder(folders.files(self._plan.compose_id), mode=0o755)

        await self._run.step("check out", write)

    async def read(self, commit: Commit | None) -> None:
        """The file as it is to run, held against what is allowed; kept encrypted, for it holds secrets."""

        async def judge() -> Json:
            reading = Reading(run=self._run, plan=self._plan, tools=self._tools, root=self._root)
            record = await reading.record()
            await self._run.write(lambda tx: self._write(tx, record, commit))
            await self._run.say(f"Services: {', '.join(record.file['services'])}")

        await self._run.step("compose file", judge)

    async def pull(self) -> None:
        """Brings the images that are not built here."""

        async def bring() -> Json:
            await self._bringing.pull(await self._record())

        await self._run.step("pull", bring)

    async def build(self) -> None:
        """Builds the images that are built."""

        async def make() -> Json:
            await self._bringing.build(await self._record())

        await self._run.step("build", make)

    async def decide(self, commit: Commit | None) -> Rollout:
        """What is done with each service. From here on the record is what will run, to the image."""

        async def plan() -> Json:
            drawn = await self._record()
            services = drawn.file["services"]
            images = await self._tools.engine.images(sorted({service["image"] for service in services.values()}))
            missing = [name for name, service in services.items() if service["image"] not in images]
            if missing:
                raise RunFailed(f"The image {services[missing[0]]['image']} of {missing[0]} is not on this machine.")
            of_service = {name: images[service["image"]] for name, service in services.items()}
            kept = {
                name: converted.kept_image(self._identity, name, image.image_id) for name, image in of_service.items()
            }
            for name, image in of_service.items():
                await self._tools.engine.tag(image.image_id, kept[name])
            running = await self._containers()
            before = await self._tools.release(self._plan.serving)
            decided = rollout(
                replace(drawn, file=converted.pinned(drawn.file, kept)),
                of_service,
                before.record if before is not None else None,
                running,
                self._release_id,
            )
            changing = decided.going(Way.BEGUN, Way.IN_PLACE, Way.BESIDE)
            taken = taken_ports(decided.record.file, changing, running)
            if taken:
                raise RunFailed(
                    f"A port of this machine is taken by something else: {', '.join(taken)}. Publish another one, or "
                    "let a domain lead to the service, which needs no published port."
                )
            await self._run.write(lambda tx: self._write(tx, decided.record, commit))
            for name in {each["image"] for each in services.values()} - {*kept.values()}:
                if converted.is_fresh(name):  # what was built is known by the name that it keeps
                    await self._tools.engine.take_back(name)
            await self._require_led_to(decided.record)
            for name, way in decided.ways.items():
                await self._run.say(f"{name}: {_SAID[way]}")
            return {name: way.value for name, way in decided.ways.items()}

        ways = await self._run.step("plan", plan)
        return Rollout(record=await self._record(), ways={name: Way(way) for name, way in ways.items()})

    async def start(self, plan: Rollout) -> None:
        """Begins the new services and replaces in place those of which two cannot run at once."""

        async def up() -> Json:
            await self._run.undo("containers", self._data)
            running = await self._containers()
            orphans = orphaned(plan, running)
            if orphans:
                gone = ", ".join(sorted({each.service for each in orphans}))
                await self._run.say(f"Ending {gone}, which the file has no more.")
                async with self._run.fence():
                    await self._tools.engine.stop([each.container_id for each in orphans])
                    await self._tools.engine.remove_these([each.container_id for each in orphans])
            names = to_bring_up(plan, running)
            if names:
                await self._bring_up("up", self._composing(plan).up(names), plan)

        await self._run.step(START, up)

    async def start_beside(self, plan: Rollout) -> None:
        """Begins new containers beside those that serve."""

        async def up() -> Json:
            running = await self._containers()
            numbers = {}
            for name in plan.going(Way.BESIDE):
                old = [each for each in running if each.service == name and each.deployment_id != self._release_id]
                numbers[name] = len(old) + plan.record.services[name].replicas
            if numbers:
                await self._bring_up("up beside", self._composing(plan).up_beside(numbers), plan)

        await self._run.step("start beside", up)

    async def health_check(self, plan: Rollout) -> list[str]:
        """Waits until every service is up; gives those that have done their work once."""

        async def look() -> Json:
            finished = await self._watch().until_healthy(plan)
            for name in sorted(set(finished) - set(plan.going(Way.KEPT))):
                await self._run.say(f"{name} has done its work and ended with exit status 0.")
            await self._run.say("Every service is up.")
            return finished

        finished: list[str] = await self._run.step("health check", look)
        return finished

    async def route(self) -> None:
        """Leads the domains to the new containers, and proves that requests arrive there."""

        async def move() -> Json:
            routing = self._tools.routing
            async with self._run.fence():
                route = await routing.lead(self._plan.compose_id, await self._tools.release(self._release_id))
            if route is not None:
                await routing.proven(route)
                await self._run.say(f"Led to the new containers: {', '.join(way.host for way in route.ways)}")

        await self._run.step("route", move)

    def success(self, plan: Rollout, finished: list[str], commit: Commit | None) -> Success:
        """The new release is what runs."""
        services = {
            name: replace(each, stays=each.stays and name not in finished)
            for name, each in plan.record.services.items()
        }
        record = replace(plan.record, services=services)

        def settle(tx: Tx) -> None:
            self._write(tx, record, commit)
            store.make_serving(tx, self._plan.compose_id, self._release_id)

        names = ", ".join(plan.record.services)
        return Success(message=f"Deployment done: {names} of {self._plan.app_name} as they should be", settle=settle)

    @property
    def _data(self) -> dict[str, Json]:
        return {
            "compose_id": self._plan.compose_id,
            "app_name": self._plan.app_name,
            "new": self._release_id,
            "old": self._plan.serving,
            "was_up": self._plan.was_up,
        }

    async def _bring_up(self, name: str, command: Command, plan: Rollout) -> None:
        """Lets Compose work. Where it fails because a container did, on which others depend, that one is told of."""
        ended = await self._run.command(name, command, check=False)
        if not ended.succeeded:
            if ended.cause is None:
                await self._watch().require_none_failed(plan)
            await self._run.command(name, command)

    def _watch(self) -> Watch:
        settings, defaults = self._plan.settings, self._tools.defaults
        return Watch(
            run=self._run,
            tools=self._tools,
            labels=self._labels,
            health_seconds=_given(settings.health_deadline_seconds, defaults.health_seconds),
            settle_seconds=_given(settings.settle_seconds, defaults.settle_seconds),
        )

    def _composing(self, plan: Rollout) -> commands.Composing:
        return self._tools.composing(self._plan.compose_id, self._plan.app_name, plan.record)

    async def _record(self) -> Record:
        """What the steps so far have written down."""
        release = await self._tools.release(self._release_id)
        if release is None:
            raise RunFailed("What was read of the compose file is gone; deploy again.")
        return release.record

    async def _containers(self) -> list[Container]:
        return await self._tools.engine.containers(**self._labels)

    def _write(self, tx: Tx, record: Record, commit: Commit | None) -> None:
        store.write_release(
            tx,
            self._tools.vault,
            release_id=self._release_id,
            compose_id=self._plan.compose_id,
            folder=self._root,
            record=record,
            commit_hash=commit.hash if commit is not None else None,
        )

    async def _require_led_to(self, record: Record) -> None:
        """Whether the file has what the domains lead to."""
        missing = await self._tools.db.read(lambda tx: self._tools.routing.missing(tx, self._plan.compose_id, record))
        if missing is not None:
            raise RunFailed(f"{missing} Change the domain, or the file.")


_SAID: Mapping[Way, str] = {
    Way.KEPT: "unchanged, its containers are left alone",
    Way.BEGUN: "new",
    Way.BESIDE: "replaced beside the containers that run",
    Way.IN_PLACE: "replaced in place, and away meanwhile (it has no health check, or a writable mount or fixed port)",
}


def _given(own: float | None, default: float) -> float:
    return default if own is None else own
