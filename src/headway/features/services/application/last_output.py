"""What the processes of a release wrote last, where a step fails that does not ask after them itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from headway.core.deployments.run import Run, RunFailed
from headway.core.deployments.status import Reason
from headway.core.engine import explanations
from headway.drivers.runtimes.contract.last_output import LAST_LINES
from headway.drivers.runtimes.contract.runtime import Runtime
from headway.kernel.artifacts import Bundle, ReleaseSpec
from headway.kernel.errors import HeadwayError, OutOfMemory
from headway.kernel.failures.explanation import on_own_threads, told
from headway.kernel.failures.rule import Phase

T = TypeVar("T")
_SECONDS = 20.0


def witnessed(
    run: Run, runtime: Runtime, spec: ReleaseSpec, work: Callable[[], Awaitable[T]]
) -> Callable[[], Awaitable[T]]:
    """The work of a step with a release that runs. What makes it fail is told with the last lines of each process: all
    of them in the log, the one that tells most in the message.
    """

    async def performed() -> T:
        try:
            return await work()
        except explanations.INTERRUPTIONS:
            raise
        except HeadwayError as error:
            written = "\n".join(await _said(run, runtime, spec))
            said = await on_own_threads(partial(told, written, Phase.START))
            if not said.line or " It said: " in error.message:
                raise
            raise RunFailed(f'{error.message} It said: "{said.line}".{said.advice}', _reason(error)) from error

    return performed


async def _said(run: Run, runtime: Runtime, spec: ReleaseSpec) -> Sequence[str]:
    """What they wrote, which is said in the log; nothing where that cannot be read any more."""
    try:
        async with asyncio.timeout(_SECONDS):
            text = await runtime.read_logs(
                spec.app_name, release_id=spec.release_id, tail=LAST_LINES, masked=run.masked
            )
    except (HeadwayError, TimeoutError, OSError):
        return ()
    lines = text.splitlines()
    name = _only_process(spec)
    for line in lines:
        await run.say(line if name is None else f"{name} | {line}")
    return lines if name is not None else [line.partition(" | ")[2] for line in lines]


def _only_process(spec: ReleaseSpec) -> str | None:
    """What its one process is called; None where there are several, whose lines bear their names."""
    if not isinstance(spec.artifact, Bundle) or not spec.artifact.processes:
        return "web"
    processes = spec.artifact.processes
    return processes[0].name if sum(each.scale for each in processes) == 1 else None


def _reason(error: HeadwayError) -> Reason:
    if isinstance(error, RunFailed):
        return error.reason
    return Reason.OUT_OF_MEMORY if isinstance(error, OutOfMemory) else Reason.FAILED
