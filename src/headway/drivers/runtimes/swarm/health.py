"""Whether the copies of a release serve, each for itself; and why not, in a sentence."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

from headway.drivers.runtimes.container.health import RanOutOfMemory, listening_instead
from headway.drivers.runtimes.container.state import WEB
from headway.drivers.runtimes.contract.answer import refusal
from headway.drivers.runtimes.contract.last_output import LAST_LINES, explained, quoted
from headway.drivers.runtimes.contract.patience import CRASHES, Patience
from headway.drivers.runtimes.contract.runtime import Health, ReleaseStatus, Unhealthy
from headway.drivers.runtimes.swarm.tasks import REJECTED, Task, by_copy, statuses
from headway.infra import http_request
from headway.kernel.artifacts import Container, HealthKind, ReleaseSpec, Restart
from headway.kernel.dataclass import dataclass

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.05, 0.5, 1.2
_OTHER_SECONDS = 10.0
_NO_IMAGE = ("No such image", "manifest unknown", "pull access denied", "not found: manifest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A service at one moment: its tasks, and what the swarm says where it has taken a change of it back."""

    tasks: Sequence[Task]
    rolled_back: str | None


class Watched(Protocol):
    """What has to be known of a release to judge it."""

    async def seen(self) -> Seen | None:
        """Its service, None where there is none any more."""
        ...

    async def ask(self, task: Task, path: str) -> http_request.Answer:
        """An answer of one task. Raises NoAnswer."""
        ...

    async def last_lines(self, task: Task, count: int) -> list[str]:
        """The last lines that a task wrote, masked as the run's log is."""
        ...

    async def ran_out_of_memory(self, task: Task) -> bool:
        """Whether it was ended for the memory that it used."""
        ...

    async def was_unhealthy(self, task: Task) -> bool:
        """Whether the check of its image failed at its end, as far as this machine knows."""
        ...

    async def told(self, task: Task) -> str:
        """What the check of its image said last, "" where that is not known."""
        ...

    async def node(self, task: Task) -> str:
        """The machine that it was to run on, in words that follow "the"."""
        ...

    async def local_pid(self, task: Task) -> int | None:
        """Its process, where it is one of this machine."""
        ...


async def wait_until_healthy(spec: ReleaseSpec, watched: Watched, say: Callable[[str], Awaitable[None]]) -> Health:
    """Returns when every copy of the release is healthy. Raises Unhealthy with the sentence; the last lines of each are
    said before.
    """
    check = _Check(spec, watched, say)
    try:
        return await check.passed()
    except Unhealthy as error:
        raise await explained(error, await check.last_lines()) from error.__cause__


class _Check:
    def __init__(self, spec: ReleaseSpec, watched: Watched, say: Callable[[str], Awaitable[None]]) -> None:
        self._spec = spec
        self._watched = watched
        self._say = say
        self._blamed: Task | None = None
        self._settling: tuple[frozenset[str], float] = (frozenset(), 0.0)
        self._answers = False
        self._unanswered_since: float | None = None

    async def passed(self) -> Health:
        patience = Patience(
            say=self._say,
            deadline_seconds=self._spec.health.deadline_seconds,
            pause_seconds=_FIRST_PAUSE,
            longest_pause_seconds=_LONGEST_PAUSE,
            growth=_GROWTH,
        )
        while True:
            seen = await self._watched.seen()
            if seen is None:
                raise Unhealthy("The service is gone: somebody has removed it from the swarm. Deploy again.")
            if seen.rolled_back is not None:
                raise Unhealthy(
                    f"The swarm has taken a change of the service back ({seen.rolled_back}): somebody has changed it "
                    "beside Headway. Deploy again."
                )
            await self._give_up_on_ends(seen.tasks)
            lacking = await self._lacking(seen.tasks)
            if lacking is None:
                await self._say(self._good_news(patience.seconds))
                now = statuses(seen.tasks, self._spec.container.replicas)
                copies = ReleaseStatus(release_id=self._spec.release_id, processes=now).copies
                return Health(answers=self._answers, copies=copies)
            await patience.pause(lacking)

    async def last_lines(self) -> list[str]:
        """Says what each copy wrote last, what the task that is to blame wrote at the end; gives all of it."""
        seen = await self._watched.seen()
        blamed = self._blamed
        written: list[str] = []
        for tries in by_copy(seen.tasks).values() if seen else ():
            newer = itertools.takewhile(lambda task: blamed is None or task.task_id != blamed.task_id, tries)
            written += await self._last_lines_of(newer)
        return written + await self._last_lines_of([blamed] if blamed else [])

    async def _last_lines_of(self, tries: Iterable[Task]) -> list[str]:
        """Says what the newest of these wrote that wrote something: one that has not begun yet hides no other."""
        for task in tries:
            lines = await self._watched.last_lines(task, LAST_LINES)
            for line in lines:
                await self._say(f"{WEB if task.slot <= 1 else f'{WEB}.{task.slot}'} | {line}")
            if lines:
                return lines
        return []

    async def _give_up_on_ends(self, tasks: Sequence[Task]) -> None:
        for tries in by_copy(tasks).values():
            ended = [each for each in tries if each.has_ended]
            if ended:
                self._blamed = ended[0]
                await self._give_up_on_checks(ended[0])
        for tries in by_copy(tasks).values():
            ended = [each for each in tries if each.has_ended]
            if not ended:
                continue
            last = self._blamed = ended[0]
            if len(ended) >= CRASHES or (tries[0].is_over and _is_final(self._spec.container, ended)):
                raise await self._ended(last, len(ended))

    async def _give_up_on_checks(self, last: Task) -> None:
        """A container that ends well when it is asked to, because its check fails, is to a swarm one that has done its
        work: only the engine of its machine knows better.
        """
        if last.failed_its_check or await self._watched.was_unhealthy(last):
            told = await self._watched.told(last)
            says = f' It says: "{told[:300]}".' if told else ""
            raise Unhealthy(f"The health check of the image fails.{says} Mend what it reports, then deploy again.")

    async def _ended(self, last: Task, count: int) -> Unhealthy:
        times = "once" if count == 1 else f"{count} times"
        where = await self._watched.node(last)
        if last.state == REJECTED:
            if any(word in last.error for word in _NO_IMAGE):
                return Unhealthy(
                    f"The {where} has not got the image of this release and could not fetch it ({last.error}). See "
                    "that it reaches the registry and trusts it (docker pull there tells why), then deploy again."
                )
            return Unhealthy(
                f"The {where} could not start the container, {times}: {last.error}. Mend what it reports, then deploy "
                "again."
            )
        out_of_memory = await self._watched.ran_out_of_memory(last)
        how = last.how(out_of_memory=out_of_memory)
        if self._spec.health.kind is HealthKind.OWN and last.exit_code == 0:
            how += " (a swarm also ends it so when the health check of its image fails)"
        said = await quoted(await self._watched.last_lines(last, LAST_LINES))
        sentence = (
            f"The container ended {times} while it was starting, last with {how}, on the {where}.{said} Mend what it "
            "reports (the deployment's log ends with more of it) and deploy again."
        )
        return RanOutOfMemory(sentence) if out_of_memory else Unhealthy(sentence)

    async def _lacking(self, tasks: Sequence[Task]) -> str | None:
        running = [task for task in tasks if task.runs]
        wanted = self._spec.container.replicas
        if len(running) < wanted:
            return f"{len(running)} of {wanted} copies run; {_why_not(tasks)}."
        match self._spec.health.kind:
            case HealthKind.OWN:
                # The swarm calls running only what passes it.
                return None if self._spec.container.port is None else await self._if_http(running)
            case HealthKind.SETTLE:
                return self._unsettled(running)
            case HealthKind.HTTP | HealthKind.TCP:
                return await self._all_answer(running)

    async def _all_answer(self, running: Sequence[Task]) -> str | None:
        found = await asyncio.gather(*(self._unanswered(task) for task in running))
        lacking = next((each for each in found if each is not None), None)
        self._answers = lacking is None
        return lacking

    async def _if_http(self, running: Sequence[Task]) -> str | None:
        """What passes its own check and answers no HTTP for so long is a server of something else, unless the release
        before was none.
        """
        lacking = await self._all_answer(running)
        now = time.monotonic()
        self._unanswered_since = None if lacking is None else self._unanswered_since or now
        is_other = self._unanswered_since is not None and now - self._unanswered_since > _OTHER_SECONDS
        return None if is_other and not self._spec.health.expected else lacking

    def _unsettled(self, running: Sequence[Task]) -> str | None:
        """By this machine's own clock: those of others may go otherwise."""
        now = time.monotonic()
        ids = frozenset(task.task_id for task in running)
        if ids != self._settling[0]:
            self._settling = (ids, now)
        wanted = self._spec.health.settle_seconds
        return None if now - self._settling[1] >= wanted else f"it has to stay up for {wanted:g} s."

    async def _unanswered(self, task: Task) -> str | None:
        port = self._spec.container.port or 0
        is_http = self._spec.health.kind is HealthKind.HTTP
        path = self._spec.health.path if is_http else "/"
        try:
            answer = await self._watched.ask(task, path)
        except http_request.NoAnswer as silence:
            asked = f"GET {path} on port" if is_http else "a connection to port"
            pid = await self._watched.local_pid(task)
            hint = "" if pid is None else await asyncio.to_thread(listening_instead, pid, port)
            return f"{asked} {port} got no answer: {silence}.{hint}"
        return refusal(path, port, answer.status) if is_http else None

    def _good_news(self, seconds: float) -> str:
        spec = self._spec
        copies = spec.container.replicas
        what = "its container" if copies == 1 else f"each of its {copies} containers"
        match spec.health.kind:
            case HealthKind.OWN:
                also = (
                    "" if self._answers or spec.container.port is None else ", and answers no HTTP as the edge asks it"
                )
                return f"Healthy: {what} passes the health check of the image{also} (after {seconds:.2f} s)."
            case HealthKind.SETTLE:
                return f"Healthy: {what} has stayed up for {spec.health.settle_seconds:g} s."
            case HealthKind.HTTP:
                where = f"on port {spec.container.port}"
                return f"Healthy: {what} answers GET {spec.health.path} {where} (after {seconds:.2f} s)."
            case HealthKind.TCP:
                return f"Healthy: {what} answers on port {spec.container.port} (after {seconds:.2f} s)."


def _is_final(container: Container, ended: Sequence[Task]) -> bool:
    """Whether the swarm does not try again."""
    match container.restart:
        case Restart.NEVER:
            return True
        case Restart.ON_FAILURE:
            spent = container.restarts is not None and len(ended) > container.restarts
            return spent or ended[0].exit_code == 0
        case Restart.ALWAYS:
            return False


def _why_not(tasks: Sequence[Task]) -> str:
    """What keeps the others, by the newest try of each copy."""
    waiting = [tries[0] for tries in by_copy(tasks).values() if not any(each.runs for each in tries)]
    said = next((f"{task.state}: {task.error}" for task in waiting if task.error), None)
    return said or (f"one is {waiting[0].state}" if waiting else "the swarm has not made the others yet")
