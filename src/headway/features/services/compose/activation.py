"""From a file whose images are there to what serves: replace, check, route; else all is as before."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from typing import Never

from headway.core.deployments.run import Json, Run, RunFailed
from headway.core.deployments.status import Reason
from headway.core.engine import explanations
from headway.core.engine.background import raised_within
from headway.drivers.runtimes.compose import commands, conversion
from headway.drivers.runtimes.compose.engine import Image
from headway.drivers.runtimes.compose.footing import Exchangeable
from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.compose.policy import paths_of
from headway.drivers.runtimes.compose.ways import Way
from headway.features.edge.domain_snapshots import Domains
from headway.features.services import releases_store
from headway.features.services.compose import powers, store
from headway.features.services.compose.answers import AnswerCheck, Answers
from headway.features.services.compose.model import Record
from headway.features.services.compose.plan import START, ComposePlan
from headway.features.services.compose.rollout import (
    Rollout,
    Watch,
    left_by_failure,
    orphaned,
    rollout,
    to_bring_up,
    wanted_ports,
)
from headway.features.services.compose.tools import ComposeContext
from headway.infra.db.transaction import Tx
from headway.infra.docker.images import require_own_labels
from headway.infra.hosts.command import Command
from headway.kernel.artifacts import Commit, Route
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, Unavailable
from headway.kernel.phrase import phrase

_LOOK_SECONDS = 0.1
_TOLD_SECONDS = 2.0  # an engine tells of an end a moment after nobody has answered


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeActivation:
    """The steps by which the record of a release, which its earlier steps have written, comes true, for every kind of
    deployment that ends so. ``folder`` is where its files lie, ``origin`` the release that it is a copy of, if
    it is one.
    """

    run: Run
    plan: ComposePlan
    tools: ComposeContext
    commit: Commit | None
    folder: str
    origin: str | None = None

    async def decide(self, *, led: bool = True) -> Rollout:
        """What is done with each service. From here on the record is what will run, to the image. Unless ``led`` is
        False, the domains of now must lead to services of it.
        """

        async def plan() -> Json:
            built = await self.record()
            drawn, images = await self._pinned(built)
            running = await self._containers()
            before = await self.tools.release(self.plan.serving)
            decided = rollout(drawn, images, before.record if before is not None else None, running, self.release_id)
            await self._require_ports(decided, running)
            await self.run.write(lambda tx: self.write(tx, decided.record))
            for name in {each["image"] for each in built.file["services"].values()}:
                if conversion.is_fresh(name):  # what was built is known by the name that it keeps
                    await self.tools.engine.take_back(name)
            if led:
                await self.require_led_to(decided.record)
            for name, way in decided.ways.items():
                await self.run.say(phrase("{}: " + _SAID[way], name))
            return {name: way.value for name, way in decided.ways.items()}

        ways = await self.run.step("plan", plan)
        return Rollout(record=await self.record(), ways={name: Way(way) for name, way in ways.items()})

    async def start(self, plan: Rollout) -> None:
        """Begins the new services and replaces in place those of which two cannot run at once."""

        async def up() -> Json:
            await self.require_firm(plan.record)
            await self.run.undo("containers", self.data)
            await self._end_stack()
            running = await self._containers()
            orphans = orphaned(plan, running)
            if orphans:
                gone = ", ".join(sorted({each.service for each in orphans}))
                await self.run.say(phrase("Ending {}, which the file has no more.", gone))
                async with self.run.fence():
                    await self.tools.engine.stop(orphans)
                    await self.tools.engine.remove_these([each.container_id for each in orphans])
            names = to_bring_up(plan, running)
            if names:
                await self._bring_up("up", self._composing(plan).up(names), plan)

        await self.run.step(START, up)

    async def start_beside(self, plan: Rollout) -> None:
        """Begins new containers beside those that serve."""

        async def up() -> Json:
            running = await self._containers()
            numbers = {}
            for name in plan.going(Way.BESIDE):
                old = [each for each in running if each.service == name and each.deployment_id != self.release_id]
                numbers[name] = len(old) + plan.record.services[name].replicas
            if numbers:
                await self.require_firm(plan.record)
                await self._bring_up("up beside", self._composing(plan).up_beside(numbers), plan)

        await self.run.step("start beside", up)

    async def require_firm(self, record: Record) -> None:
        """Refuses to give the engine a path that a container could have lead elsewhere. Raises RunFailed."""
        try:
            await self.tools.require_firm(self.plan.compose_id, paths_of(record.file), serving=self.plan.serving)
        except Exchangeable as error:
            raise RunFailed(error.message, Reason.REFUSED) from error

    async def health_check(self, plan: Rollout) -> list[str]:
        """Waits until every service is up; gives those that have done their work once."""

        async def look() -> Json:
            finished = await self._watch().until_healthy(plan)
            for name in sorted(set(finished) - set(plan.going(Way.KEPT))):
                await self.run.say(phrase("{} has done its work and ended with exit status 0.", name))
            await self.run.say(phrase("Every service is up."))
            return finished

        finished: list[str] = await self.run.step("health check", look)
        return finished

    async def answers(self, plan: Rollout) -> Answers:
        """What answers at the ports that domains lead to."""

        async def ask() -> Json:
            try:
                return asdict(await (await self.asking()).of(plan.record))
            except explanations.INTERRUPTIONS:
                raise
            except HeadwayError as error:
                raise await self._watch().explained(plan, error) from error

        return Answers.load(await self.run.step("answers", ask))

    async def route(self, plan: Rollout, answers: Answers) -> None:
        """Leads the domains to the new containers, and proves that requests arrive there; back at once where they do
        not, as long as those of before are there.
        """

        async def move() -> Json:
            routing, asking = self.tools.routing, await self.asking()
            await asking.require_standing(answers)
            async with self.run.fence():
                route = await routing.lead(self.plan.compose_id, await self.tools.release(self.release_id))
            if route is None:
                return
            try:
                await self._arrive(plan, route, asking, answers)
            except explanations.INTERRUPTIONS:
                raise
            except HeadwayError as error:
                raise await self._watch().explained(plan, error) from error
            await self.run.say(phrase("Led to the new containers: {}", ", ".join(way.host for way in route.ways)))

        await self.run.step("route", move)

    async def standing(self, plan: Rollout, answers: Answers) -> Never:
        """Watches the containers that answered until the end is written. Raises RunFailed where one ended by itself;
        requests go to those before again by then.
        """
        asking = await self.asking()
        try:
            await _ended(asking, answers)
        except RunFailed as failure:
            await self._lead_back(plan)
            raise self.left(plan, await self._watch().explained(plan, failure)) from failure

    async def _arrive(self, plan: Rollout, route: Route, asking: AnswerCheck, answers: Answers) -> None:
        """Whether requests arrive at what answered; they go to those before again where not. Raises HeadwayError."""
        try:
            await self.require_led(route, answers)
            await asking.require_standing(answers)
        except explanations.INTERRUPTIONS:
            raise
        except HeadwayError:
            await self._lead_back(plan)
            await raised_within(_TOLD_SECONDS, partial(_ended, asking, answers))  # truer, where that is why
            raise

    async def _lead_back(self, plan: Rollout) -> None:
        """The undo does it too, once the run has ended; who comes meanwhile is not to wait for that."""
        if not plan.going(Way.IN_PLACE) and self.plan.was_up:
            async with self.run.fence():
                before = await self.tools.release(self.plan.serving)
                await self.tools.routing.lead(self.plan.compose_id, before, alone=True)

    async def asking(self) -> AnswerCheck:
        """Who asks the ports of this release."""
        before = await self.tools.release(self.plan.serving)
        return AnswerCheck(
            run=self.run,
            tools=self.tools,
            compose_id=self.plan.compose_id,
            before=None if before is None else before.record,
            within_seconds=self.health_seconds,
        )

    async def require_led(self, route: Route, answers: Answers) -> None:
        """Whether requests arrive at what answers, and the edge works by the rest. Raises RouteNotProven."""
        answering = await self.tools.routing.answering(route, answers.ports)
        if answering is not None:
            await self.tools.routing.proven(answering)
        if answering is None or answering.ways != route.ways:
            await self.tools.routing.taken_up(route)

    def settle(self, tx: Tx, plan: Rollout, finished: list[str], answers: Answers, led: Domains | None = None) -> None:
        """The new release is what runs; to the old one these domains ``led`` (None: those of now)."""
        services = {
            name: replace(each, stays=each.stays and name not in finished)
            for name, each in plan.record.services.items()
        }
        self.write(tx, replace(plan.record, services=services, answers=answers.ports))
        releases_store.make_serving(tx, self.plan.compose_id, self.release_id, led=led)
        powers.deployed(tx, self.plan.compose_id, plan.record, self.tools.host_id)

    def left(self, plan: Rollout, failure: RunFailed) -> RunFailed:
        """The failure with an honest word on what it leaves."""
        served = self.plan.serving is not None and self.plan.was_up
        return RunFailed(f"{failure.message.rstrip('.')}. {left_by_failure(plan, served=served)}", failure.reason)

    @property
    def release_id(self) -> str:
        """The release is called as the deployment that makes it."""
        return self.run.deployment.deployment_id

    @property
    def data(self) -> dict[str, Json]:
        """What undos know the release by."""
        return {
            "compose_id": self.plan.compose_id,
            "app_name": self.plan.app_name,
            "new": self.release_id,
            "old": self.plan.serving,
            "was_up": self.plan.was_up,
        }

    async def record(self) -> Record:
        """What the steps so far have written down."""
        release = await self.tools.release(self.release_id)
        if release is None:
            raise RunFailed("What was read of the compose file is gone; deploy again.")
        return release.record

    def write(self, tx: Tx, record: Record) -> None:
        """Writes down what the release consists of by now."""
        store.write_release(
            tx,
            self.tools.vault,
            release_id=self.release_id,
            compose_id=self.plan.compose_id,
            folder=self.folder,
            record=record,
            commit_hash=self.commit.hash if self.commit is not None else None,
            origin=self.origin,
        )

    async def _pinned(self, drawn: Record) -> tuple[Record, Mapping[str, Image]]:
        """The record with the names by which its images stay, and the images by service."""
        services = drawn.file["services"]
        images = await self.tools.engine.images(sorted({service["image"] for service in services.values()}))
        missing = [name for name, service in services.items() if service["image"] not in images]
        if missing:
            raise RunFailed(f"The image {services[missing[0]]['image']} of {missing[0]} is not on its machine.")
        of_service = {name: images[service["image"]] for name, service in services.items()}
        identity = self.tools.identity(self.plan.compose_id, self.plan.app_name)
        for name, image in of_service.items():
            require_own_labels(services[name]["image"], image.labels, identity.labels)
        kept = {name: conversion.kept_image(identity, name, image.image_id) for name, image in of_service.items()}
        for name, image in of_service.items():
            await self.tools.engine.tag(image.image_id, kept[name])
        brought = {name: image.labels for name, image in of_service.items()}
        return replace(drawn, file=conversion.pinned(drawn.file, kept, brought)), of_service

    async def _end_stack(self) -> None:
        """What a swarm ran until now goes before others come in its place."""
        before = await self.tools.release(self.plan.serving)
        if before is not None and before.record.stack:
            await self.run.say(phrase("It was a stack of the swarm until now, which ends before its containers begin."))
            async with self.run.fence():
                await self.tools.stacks.end(self.plan.compose_id)
                await self.tools.engine.remove_networks(**self._labels)

    async def _bring_up(self, name: str, command: Command, plan: Rollout) -> None:
        """Lets Compose work. Where it fails because a container did, on which others depend, that one is told of."""
        ended = await self.run.command(name, command, check=False)
        if not ended.succeeded:
            if ended.cause is None:
                await self._watch().require_none_failed(plan)
            await self.run.command(name, command)

    @property
    def health_seconds(self) -> float:
        """How long it may take until all is up."""
        return _given(self.plan.settings.health.deadline_seconds, self.tools.defaults.health_seconds)

    @property
    def settle_seconds(self) -> float:
        """How long a container has to stay up."""
        return _given(self.plan.settings.health.settle_seconds, self.tools.defaults.settle_seconds)

    def _watch(self) -> Watch:
        return Watch(
            run=self.run,
            tools=self.tools,
            labels=self._labels,
            health_seconds=self.health_seconds,
            settle_seconds=self.settle_seconds,
        )

    def _composing(self, plan: Rollout) -> commands.Composing:
        return self.tools.composing(self.plan.compose_id, self.plan.app_name, plan.record)

    async def _containers(self) -> list[Container]:
        return await self.tools.engine.containers(**self._labels)

    @property
    def _labels(self) -> dict[str, str]:
        return {"panel": self.tools.panel_id, "compose": self.plan.compose_id}

    async def _require_ports(self, plan: Rollout, running: Sequence[Container]) -> None:
        changing = plan.going(Way.BEGUN, Way.IN_PLACE, Way.BESIDE)
        wanted = wanted_ports(plan.record.file, changing, running)
        taken = await self.tools.engine.machine.taken([port for port, _ in wanted]) if wanted else []
        if taken:
            named = ", ".join(f"{port.number} (wanted by {name})" for port, name in wanted if port in taken)
            raise RunFailed(
                f"A port of its machine is taken by something else: {named}. Publish another one, or let a domain lead "
                "to the service, which needs no published port."
            )

    async def require_led_to(self, record: Record) -> None:
        """Whether the file has what the domains lead to."""
        missing = await self.tools.db.read(lambda tx: self.tools.routing.missing(tx, self.plan.compose_id, record))
        if missing is not None:
            raise RunFailed(f"{missing} Change the domain, or the file.")


async def _ended(asking: AnswerCheck, answers: Answers) -> Never:
    """Looks until one of the containers that answered runs no more. Raises RunFailed."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        with suppress(Unavailable):  # whoever writes the end meets it too
            await asking.require_standing(answers)


def _given(own: float | None, default: float) -> float:
    return default if own is None else own


_SAID: Mapping[Way, str] = {
    Way.KEPT: "unchanged, its containers are left alone",
    Way.BEGUN: "new",
    Way.BESIDE: "replaced beside the containers that run",
    Way.IN_PLACE: "replaced in place, and away meanwhile (it has no health check, or a writable mount or fixed port)",
}
