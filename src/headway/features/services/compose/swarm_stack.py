"""How a deploy's file comes to run as a stack of a swarm: which services change, whether they do, what leads there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, field, replace
from functools import partial
from typing import Any

from headway.core.deployments.run import Json, Run, RunFailed
from headway.core.deployments.status import Reason
from headway.core.engine import explanations
from headway.drivers.runtimes.compose import conversion, stack_file, stacks
from headway.drivers.runtimes.compose.bounds import begun
from headway.drivers.runtimes.compose.stack_file import Held
from headway.drivers.runtimes.compose.stacks import StackService
from headway.drivers.runtimes.contract.last_output import LAST_LINES
from headway.drivers.runtimes.swarm.release_health import last_lines_of_copy
from headway.drivers.runtimes.swarm.tasks import Task, by_copy
from headway.drivers.sources.image import pullable_of
from headway.features.services.compose.activation import ComposeActivation
from headway.features.services.compose.answers import Answers
from headway.features.services.compose.image_distribution import ImageDistribution
from headway.features.services.compose.model import Record, ReleasedService
from headway.features.services.compose.plan import START, ComposePlan
from headway.features.services.compose.rollout import Rollout
from headway.features.services.compose.tools import ComposeContext
from headway.infra.docker import images
from headway.infra.docker.memory import ran_out_of_memory
from headway.kernel.artifacts import Route
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError
from headway.kernel.failures.explanation import on_own_threads, told
from headway.kernel.failures.rule import Phase
from headway.kernel.phrase import phrase

_LOOK_SECONDS = 0.3
_CRASHES = 3
_MOST_BYTES = 1_000_000


@dataclass(slots=True, kw_only=True)
class SwarmStack:
    """The same steps as those of ``ComposeActivation``, whose record and run it works on, for a swarm. ``pushed`` is
    how other machines fetch what was built here, by what it is called here.
    """

    activation: ComposeActivation
    run: Run
    plan: ComposePlan
    tools: ComposeContext
    pushed: Mapping[str, str] = field(default_factory=dict)
    _seen: dict[str, tuple[frozenset[str], float]] = field(default_factory=dict)

    @staticmethod
    def of(activation: ComposeActivation, pushed: Mapping[str, str] | None = None) -> SwarmStack:
        """The steps of a deployment."""
        return SwarmStack(
            activation=activation,
            run=activation.run,
            plan=activation.plan,
            tools=activation.tools,
            pushed=pushed or {},
        )

    async def decide(self, *, led: bool = True) -> Rollout:
        """The file for the swarm, in which services that stay as they were say so; what it needs is there then."""

        async def plan() -> Json:
            await self.run.undo("containers", self.activation.data)
            drawn = await self.activation.record()
            file: Mapping[str, Any] = drawn.file
            if not drawn.stack:
                made = await self._made(drawn, await self.tools.stacks.here())
                machine, compose_id = self.plan.settings.host_access, self.plan.compose_id
                file = await self.tools.begun(compose_id, made, machine=machine, stack=True)
            services = await self._services(file)
            labelled = stack_file.labelled(file, {name: each.deployment_id for name, each in services.items()})
            record = Record(
                file=labelled, services=services, secrets=drawn.secrets, stack=True, made_with=drawn.made_with
            )
            await self.run.write(lambda tx: self.activation.write(tx, record))
            if led:
                await self.activation.require_led_to(record)
            for name, each in services.items():
                is_new = each.deployment_id == self._deployment_id
                await self.run.say(
                    phrase("{}: rolled out by the swarm" if is_new else "{}: unchanged, left alone", name)
                )

        await self.run.step("plan", plan)
        return Rollout(record=await self.activation.record(), ways={})

    async def start(self, plan: Rollout) -> None:
        """Hands the file to the swarm, which rolls out what has changed."""

        async def up() -> Json:
            before = await self.tools.release(self.plan.serving)
            if before is not None and not before.record.stack:
                await self.run.say(
                    phrase("It ran beside the swarm until now: those containers end before the stack begins.")
                )
                labels = {"panel": self.tools.panel_id, "compose": self.plan.compose_id}
                async with self.run.fence():
                    await self.tools.engine.remove(**labels)
                    await self.tools.engine.remove_networks(**labels)
            await self.activation.require_firm(plan.record)
            image_distribution = ImageDistribution(run=self.run, plan=self.plan, tools=self.tools)
            async with image_distribution.logged_in("the stack") as docker:
                await self.run.command("stack deploy", stacks.deploy(docker, self.plan.app_name, plan.record.file))

        await self.run.step(START, up)

    async def start_beside(self, plan: Rollout) -> None:
        """Nothing: the swarm has its own order."""

    async def health_check(self, plan: Rollout) -> list[str]:
        """Waits until every service is what it should be; gives those that have done their work once."""
        record = plan.record

        async def look() -> Json:
            deadline = time.monotonic() + self.activation.health_seconds
            while True:
                found = await self.tools.stacks.services(self.plan.compose_id)
                late = [name for name in record.services if not await self._is_well(record, name, found.get(name))]
                if not late:
                    break
                if time.monotonic() > deadline:
                    raise await self._too_late(record, late[0], found)
                await asyncio.sleep(_LOOK_SECONDS)
            await self.run.say(phrase("Every service is up."))
            return [name for name, each in found.items() if name in record.services and _has_finished(record, each)]

        finished: list[str] = await self.run.step("health check", look)
        return finished

    async def answers(self, plan: Rollout) -> Answers:
        """What answers at the ports that domains lead to, asked by what leads into the swarm."""

        async def ask() -> Json:
            release = await self.tools.release(self._deployment_id)
            async with self.run.fence():
                await self.tools.lead_to_stack(self.plan.compose_id, self.plan.app_name, release)
            return asdict(await (await self.activation.asking()).of(plan.record))

        return Answers.load(await self.run.step("answers", ask))

    async def route(self, plan: Rollout, answers: Answers) -> None:
        """Leads the domains to the services, and proves that requests arrive there."""

        async def move() -> Json:
            routing = self.tools.routing
            release = await self.tools.release(self._deployment_id)
            async with self.run.fence():
                route = await routing.lead(self.plan.compose_id, release)
            if route is not None:
                await self._proven(plan.record, route, answers)
                await self.run.say(phrase("Led to the services: {}", ", ".join(way.host for way in route.ways)))

        await self.run.step("route", move)

    async def _proven(self, record: Record, route: Route, answers: Answers) -> None:
        try:
            await self.activation.require_led(route, answers)
        except explanations.INTERRUPTIONS:
            raise
        except HeadwayError as error:
            found = await self.tools.stacks.services(self.plan.compose_id)
            raise RunFailed(f"{error.message}{await self._last_words(record, found)}") from error

    def left(self, plan: Rollout, failure: RunFailed) -> RunFailed:
        """The failure with an honest word on what it leaves."""
        served = self.plan.serving is not None and self.plan.was_up
        left = "What served before is brought up again." if served else "Nothing of it runs."
        return RunFailed(f"{failure.message.rstrip('.')}. {left}", failure.reason)

    @property
    def _deployment_id(self) -> str:
        return self.run.deployment.deployment_id

    async def _made(self, drawn: Record, here: str) -> dict[str, Any]:
        """The file for the swarm, which has by then what that names."""
        drawn = replace(drawn, file=begun(drawn.file, None, ruled=False))  # what is said of that is ours
        for name, keys in stack_file.without_effect(drawn.file).items():
            await self.run.say(phrase("{}: {} has no effect in a stack.", name, ", ".join(keys)))
        files = await self._held(drawn)
        await self.tools.stacks.hold(self.plan.compose_id, files)
        kept = {(each.kind, each.key): each.name for each in files}
        kept_as, named = await self._images(drawn)
        identity = self.tools.identity(self.plan.compose_id, self.plan.app_name)
        file = stack_file.stack_file(conversion.pinned(drawn.file, named, {}), identity, kept, here)
        return {**file, stack_file.KEPT_IMAGES: kept_as}

    async def _held(self, drawn: Record) -> list[Held]:
        """The configs and secrets of the file with their content."""
        identity = self.tools.identity(self.plan.compose_id, self.plan.app_name)
        found = []
        for kind in ("configs", "secrets"):
            for key, each in (drawn.file.get(kind) or {}).items():
                content = await self._content(drawn, key, each or {})
                if len(content) > _MOST_BYTES:
                    raise RunFailed(f"{key} has {len(content)} bytes, and a swarm carries at most {_MOST_BYTES}.")
                found.append(stack_file.held(identity, kind, key, content))
        return found

    async def _content(self, drawn: Record, key: str, each: Mapping[str, Json]) -> bytes:
        if each.get("environment"):
            return drawn.variables[str(each["environment"])].encode()
        if each.get("content") is not None:
            return str(each["content"]).replace("$$", "$").encode()
        own = self.tools.folders.own(self.plan.compose_id)
        below = None if self.plan.settings.host_access else own
        content = await self.run.host.read_file(str(each.get("file")), _MOST_BYTES + 1, below=below)
        if content is None:
            raise RunFailed(f"The file of {key} is not there.", Reason.REFUSED)
        return content

    async def _images(self, drawn: Record) -> tuple[list[str], dict[str, str]]:
        """The names by which images stay here, and how the swarm names the image of each service: by a digest that
        every machine can fetch, or by its id.
        """
        identity = self.tools.identity(self.plan.compose_id, self.plan.app_name)
        kept, named = [], {}
        for name, service in drawn.file["services"].items():
            found = await images.inspect(self.tools.stacks.api, service["image"], service["image"], own=identity.labels)
            if found is None:
                raise RunFailed(f"The image {service['image']} of {name} is not on this machine.")
            kept.append(conversion.kept_image(identity, name, found.reference))
            await self.tools.engine.tag(found.reference, kept[-1])
            built = conversion.is_fresh(service["image"])
            pullable = self.pushed.get(service["image"]) if built else pullable_of(found)
            if pullable is None:
                await self.run.say(
                    phrase(
                        "{}: its image is in no registry, so it runs on this machine only. To have it on others, name "
                        "it in the file (image: REGISTRY/NAME), after a registry of this compose service "
                        "(registryIds).",
                        name,
                    )
                )
            named[name] = pullable or found.reference
        return kept, named

    async def _services(self, file: Mapping[str, Json]) -> dict[str, ReleasedService]:
        before = await self.tools.release(self.plan.serving)
        old = before.record.services if before is not None and before.record.stack else {}
        there = await self.tools.stacks.services(self.plan.compose_id)
        services = {}
        for name, service in file["services"].items():
            fingerprint = stack_file.fingerprint(file, name)
            was, now = old.get(name), there.get(name)
            stays = was is not None and now is not None and was.fingerprint == fingerprint
            stays = stays and now is not None and was is not None and now.deployment_id == was.deployment_id
            services[name] = ReleasedService(
                fingerprint=fingerprint,
                deployment_id=was.deployment_id if stays and was is not None else self._deployment_id,
                replicas=stack_file.replicas(service) or 0,
                stays=not stack_file.runs_once(service),
            )
        return services

    async def _is_well(self, record: Record, name: str, found: StackService | None) -> bool:
        """Whether a service is what the record says. Raises RunFailed where it will not be."""
        if found is None:
            return False
        wanted = record.services[name]
        changes = wanted.deployment_id == self._deployment_id
        mine = [task for task in found.tasks if task.deployment_id == wanted.deployment_id]
        if changes:
            await self._give_up_on_ends(name, mine, found, stays=wanted.stays)
        running = [task for task in mine if task.runs]
        least = wanted.replicas if found.replicas is not None else max(1, sum(task.is_alive for task in mine))
        if not wanted.stays:
            copies = by_copy(mine).values()
            ended = sum(any(task.runs or task.state == "complete" for task in tries) for tries in copies)
            return ended >= least and not found.is_changing
        return len(running) >= least and not found.is_changing and (not changes or self._has_settled(name, running))

    async def _give_up_on_ends(self, name: str, mine: Sequence[Task], found: StackService, *, stays: bool) -> None:
        ended = [task for task in mine if task.has_ended and (stays or task.state != "complete")]
        if found.rolled_back is not None:
            how = await self._how(name, ended[0]) if ended else ""
            raise await self._failure(
                f"The service {name} was taken back by the swarm ({found.rolled_back.rstrip('.')}){how}", ended
            )
        for tries in by_copy(ended).values():
            if len(tries) >= _CRASHES:
                times = f"ended {len(tries)} times"
                raise await self._failure(f"The service {name} {times}{await self._how(name, tries[0])}", tries)

    async def _how(self, name: str, task: Task) -> str:
        """How a task ended, and what it said of that; its last lines are said."""
        written = "\n".join(await self._said_last(name, [task]))
        said = await on_own_threads(partial(told, written, Phase.START))
        last = f": {said.line.rstrip('.')}" if said.line else ""
        check = " (its health check failed)" if task.failed_its_check else ""
        advice = f".{said.advice.rstrip('.')}" if said.advice else ""
        return f", last with {task.how(out_of_memory=await self._ran_out(task))}{check}{last}{advice}"

    async def _failure(self, sentence: str, ended: Sequence[Task]) -> RunFailed:
        ran_out = bool(ended) and await self._ran_out(ended[0])
        return RunFailed(f"{sentence}.", Reason.OUT_OF_MEMORY if ran_out else Reason.FAILED)

    async def _ran_out(self, task: Task) -> bool:
        return bool(task.container_id) and await ran_out_of_memory(
            self.tools.stacks.api, task.container_id, task.exit_code
        )

    async def _too_late(self, record: Record, name: str, there: Mapping[str, StackService]) -> RunFailed:
        said, found = await self._last_words(record, there), there.get(name)
        if found is None:
            return RunFailed(f"The swarm has no service {name} after {self.activation.health_seconds:g} s.{said}")
        newest = [tries[0] for tries in by_copy(found.tasks).values()]
        waiting = next((task for task in newest if not task.runs), None)
        why = "the swarm is still at it" if waiting is None else f"{waiting.state}: {waiting.error or 'no word why'}"
        return RunFailed(f"The service {name} is not up after {self.activation.health_seconds:g} s ({why}).{said}")

    async def _last_words(self, record: Record, there: Mapping[str, StackService]) -> str:
        """Says what each copy of what this deployment changes wrote last; gives the line of it that tells most, as a
        sentence.
        """
        written: list[str] = []
        for name, found in there.items():
            if name in record.services and record.services[name].deployment_id == self._deployment_id:
                mine = [task for task in found.tasks if task.deployment_id == self._deployment_id]
                for tries in by_copy(mine).values():
                    written += await self._said_last(name, tries)
        said = await on_own_threads(partial(told, "\n".join(written), Phase.START))
        return f' It said: "{said.line}".{said.advice}' if said.line else ""

    async def _said_last(self, name: str, tries: Sequence[Task]) -> list[str]:
        read = await last_lines_of_copy(self.tools.stacks.api, tries, LAST_LINES, self.run.masked)
        lines = [line for line in read if line]
        if lines:
            await self.run.say(phrase("The last lines of {}:", name))
        for line in lines:
            await self.run.say(phrase("  {}", line))
        return lines

    def _has_settled(self, name: str, running: Sequence[Task]) -> bool:
        ids = frozenset(task.task_id for task in running)
        if self._seen.get(name, (frozenset(), 0.0))[0] != ids:
            self._seen[name] = (ids, time.monotonic())
        return time.monotonic() - self._seen[name][1] >= self.activation.settle_seconds


def _has_finished(record: Record, found: StackService) -> bool:
    return not record.services[found.name].stays and not any(task.is_alive for task in found.tasks)
