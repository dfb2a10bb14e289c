"""Lets a script into a container that goes on, and ends all that it has started there and nothing else.

``docker exec`` leaves what it started behind when its client is killed, and waits for ever for a daemon that holds its
output. So what comes in waits at a gate until it is in a control group of its own, within that of the container; when
its first process has ended, and when the run is ended, that group is emptied. A panel without the rights for groups,
or whose engine runs elsewhere (in a virtual machine), finds what came in by the mark in its environment, by a look into
the container itself. An environment is anybody's to choose: what carries the mark and is in another container, or in
none, is none of ours, and stays where it is.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from headway.infra.docker.api import DockerApi, EngineRefused
from headway.infra.hosts import nested_groups, processes, procfs
from headway.infra.hosts.command import Command, Stage
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Unavailable

MARK = "HEADWAY_INSIDE"
_GATE = 'while [ ! -e "$1" ]; do sleep 0.02; done; exec cat'
_LOOK_AGAIN_SECONDS = 0.02
_SECONDS = 20.0
# Until none is left, the stopped ones too: what is found is stopped first, so that it cannot start another meanwhile.
# Where a process' first thread has left, another shows its environment.
_SWEEP = """\
for round in 1 2 3 4 5 6 7 8 9 10; do
  found=
  for entry in /proc/[0-9]*; do
    if cat "$entry"/task/*/environ 2>/dev/null | tr '\\0' '\\n' | grep -qxF "$1"; then
      found="$found ${entry#/proc/}"
    fi
  done
  [ -z "$found" ] && exit 0
  kill -STOP $found 2>/dev/null
  kill -KILL $found 2>/dev/null
done
exit 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecSession:
    """One visit to a container. ``group`` is None where none can be made; ``gate`` is the file that opens the gate;
    ``seen`` whether what is in the container is seen from here.
    """

    container_id: str
    run_id: str
    group: str | None
    gate: str
    seen: bool = True

    @staticmethod
    def of(container_id: str, pid: int | None, run_id: str, gate: str, *, use_group: bool = True) -> ExecSession:
        """The visit of a run to a container whose first process is ``pid``. Blocks for a moment."""
        seen = _sees_all() and (pid is None or procfs.is_of_container(pid, container_id))
        group = nested_groups.group_within(pid, f"headway-{run_id}") if pid is not None and seen and use_group else None
        name = None if group is None else str(group)
        return ExecSession(container_id=container_id, run_id=run_id, group=name, gate=gate, seen=seen)

    @property
    def marks(self) -> Mapping[str, str]:
        """What everything that came in carries."""
        return {MARK: self.run_id}

    def command(self, argv: tuple[str, ...], text: bytes, env: Mapping[str, str], seconds: float) -> Command:
        """Runs ``argv`` in the container with ``text`` as its standard input, once the gate is open. ``env`` is what
        ``docker`` needs.
        """
        mark = f"--env={MARK}={self.run_id}"
        waits = Stage(argv=("/bin/sh", "-c", _GATE, "headway", self.gate))
        inside = Stage(argv=("docker", "exec", "--interactive", mark, "--", self.container_id, *argv))
        return Command(stages=(waits, inside), env=env, stdin=text, step_seconds=seconds, inactivity_seconds=seconds)

    async def let_in(self, open_gate: Callable[[], Awaitable[None]]) -> None:
        """Waits for what comes, moves it to the group and opens the gate; once its first process has ended, ends what
        it has left. To be done beside the command, and cancelled with its end.
        """
        if not self.seen:
            await open_gate()
            return
        found = await self._arrival()
        if self.group is not None:
            await asyncio.to_thread(self._join, Path(self.group), found)
        await open_gate()
        await _ended(min(found, key=lambda process: process.start_time).pid)
        await asyncio.to_thread(self._end_seen)

    async def end(self, api: DockerApi, *, grace_seconds: float = 0.0) -> None:
        """Ends all that came in: with a grace by SIGTERM, else at once; returns when nothing of it is left. Raises
        Unavailable where that cannot be done now.
        """
        if not self.seen:
            await self._sweep_inside(api)
        elif not await asyncio.to_thread(self._end_seen, grace_seconds):
            raise Unavailable(f"What the run started in the container {self.container_id[:12]} does not end.")

    async def _arrival(self) -> list[procfs.Process]:
        """What has come in, once something has: the shell that waits at the gate."""
        while True:
            found = await asyncio.to_thread(self._found)
            if found:
                return found
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    def _found(self) -> list[procfs.Process]:
        """What carries the mark in the container."""
        return processes.find_marked(self.marks, self._has)

    def _has(self, pid: int) -> bool:
        return procfs.is_of_container(pid, self.container_id)

    def _end_seen(self, grace_seconds: float = 0.0) -> bool:
        deadline = time.monotonic() + grace_seconds
        while grace_seconds and (left := self._found()):
            for process in left:
                processes.send(signal.SIGTERM, process.pid, process.start_time)
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        ended = self.group is None or nested_groups.end(Path(self.group))
        return processes.end_marked(self.marks, _SECONDS, self._has) and ended

    def _join(self, group: Path, found: list[procfs.Process]) -> None:
        for process in found:
            with suppress(OSError):  # it has ended meanwhile, or may not be moved: then it is found by its mark
                nested_groups.join(group, process.pid, self._has)

    async def _sweep_inside(self, api: DockerApi) -> None:
        body = {"User": "0", "Cmd": ["/bin/sh", "-c", _SWEEP, "headway", f"{MARK}={self.run_id}"]}
        try:
            made = await api.post(f"/containers/{self.container_id}/exec", body)
            await api.post(f"/exec/{made['Id']}/start", {"Detach": True})
            state = await _exec_ended(api, made["Id"])
        except EngineRefused as refused:
            if refused.status in {404, 409}:  # the container is gone, or does not run: nothing does in it
                return
            raise
        if state["ExitCode"]:
            raise Unavailable(f"What the run started in the container {self.container_id[:12]} does not end.")


async def _ended(pid: int) -> None:
    """Returns when the process has ended; no thread waits for it, since it may run for days."""
    try:
        held = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    gone, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(held, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(held)
        os.close(held)


async def _exec_ended(api: DockerApi, exec_id: str) -> Mapping[str, Any]:
    async with asyncio.timeout(_SECONDS):
        while True:
            state: Mapping[str, Any] = await api.get(f"/exec/{exec_id}/json")
            if not state["Running"]:
                return state
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _sees_all() -> bool:
    """Whether this panel may look at, and end, processes of every account."""
    return os.geteuid() == 0
