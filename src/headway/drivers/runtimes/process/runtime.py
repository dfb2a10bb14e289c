"""Releases as processes of this machine: kept alive by supervisord apart from the panel, side by side, and bounded."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from headway.drivers.runtimes.console import entry
from headway.drivers.runtimes.contract.inner_places import Inside
from headway.drivers.runtimes.contract.runtime import (
    Behind,
    Health,
    Piece,
    ProcessState,
    ProcessStatus,
    ReleaseStatus,
    UnknownRelease,
    checked_health,
)
from headway.drivers.runtimes.gates.panel_gates import Gates
from headway.drivers.runtimes.launch import launcher
from headway.drivers.runtimes.process import app_logs, record, rpc
from headway.drivers.runtimes.process.border import Border
from headway.drivers.runtimes.process.copies import Copies
from headway.drivers.runtimes.process.disks import disks_of
from headway.drivers.runtimes.process.exits import Exit
from headway.drivers.runtimes.process.health import wait_until_healthy
from headway.drivers.runtimes.process.launch_configuration import render_configuration
from headway.drivers.runtimes.process.layers import Layers
from headway.drivers.runtimes.process.programs import Layout, Program, checked_root, group_of, render_programs
from headway.drivers.runtimes.process.records import Records
from headway.drivers.runtimes.process.release_groups import ReleaseGroups
from headway.drivers.runtimes.process.supervisord import Supervisord
from headway.infra.hosts.private_file import make_folder, make_link, write_privately
from headway.infra.hosts.wheel_programs import beside_python
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Artifact, ReleaseSpec, bundle_of
from headway.kernel.ids import checked_id
from headway.kernel.phrase import phrase
from headway.kernel.vault import Vault

_STATES: Mapping[int, ProcessState] = {
    0: ProcessState.STOPPED,
    10: ProcessState.STARTING,
    20: ProcessState.RUNNING,
    30: ProcessState.CRASHED,
    40: ProcessState.STOPPING,
    100: ProcessState.CRASHED,
    200: ProcessState.GIVEN_UP,
    1000: ProcessState.CRASHED,
}


class NativeRuntime:
    """The runtime of one panel, all of it below ``root``, which accounts of applications must be able to pass through.
    ``vault_key`` is the file with the key of ``vault``, for launchers; ``unit`` systemd's that keeps supervisord up;
    ``reserve_bytes`` of each disk stay free of applications.
    """

    def __init__(
        self,
        root: Path,
        *,
        panel_id: str,
        vault: Vault,
        vault_key: Path,
        use_cgroups: bool | None = None,
        grace_seconds: float = 10.0,
        caddy: Path | None = None,
        unit: str | None = None,
        gates: Gates | None = None,
        reserve_bytes: int = 0,
    ) -> None:
        self._layout = Layout(root=checked_root(root))
        self._vault = vault
        self._vault_key = vault_key
        self._grace_seconds = grace_seconds
        self._caddy = caddy or beside_python("caddy")
        self._groups = None if use_cgroups is False else ReleaseGroups.of_this_machine(checked_id(panel_id))
        self._records = Records(self._layout)
        self._border = Border(layout=self._layout, records=self._records, gates=gates)
        self._copies = Copies(self._layout, self._groups)
        self._disks = disks_of(self._layout, self._records, self._copies, reserve_bytes)
        self._layers = Layers(layout=self._layout)
        self._supervisord = Supervisord(self._layout, panel_id=panel_id, reap_orphans=self._reap_orphans, unit=unit)
        self._laid_out = False
        self._laying_out = asyncio.Lock()

    async def ensure(self) -> None:
        """Brings supervisord up, with every release that is not stopped; quick when it is there."""
        async with self._laying_out:
            if not self._laid_out:
                await asyncio.to_thread(self._lay_out, self._border.keep)
                self._laid_out = True
        await self._supervisord.ensure()

    def become(self) -> NoReturn:
        """Turns this process, that of the unit, into supervisord once there is none; blocks until then."""
        self._lay_out(self._border.stand)  # the panel keeps what stands already, by more than is known here
        self._supervisord.become()

    async def watch(self) -> None:
        """``ensure``, and a new try for processes that were given up a minute ago."""
        await self.ensure()
        self._disks.look_on()
        for each in (self._border, self._layers, self._records):
            await asyncio.to_thread(each.watch)
        await self._supervisord.try_again()

    async def close_ports(self, ports: Collection[int]) -> None:
        """Keeps applications of processes from ports that lead to something else of the machine."""
        await asyncio.to_thread(self._border.close, ports)

    async def prepare(self, work: Work, spec: ReleaseSpec) -> None:
        """Writes the release's record and its program file; nothing starts yet. Raises InvalidInput."""
        record.check_spec(spec)
        checked_health(spec.health)
        await self.ensure()
        async with work.fence():
            await asyncio.to_thread(self._write, spec)

    async def start(self, work: Work, spec: ReleaseSpec) -> None:
        """Starts the prepared release; no error when it runs."""
        await self.ensure()
        async with work.fence():
            await self.start_again(spec.release_id)

    async def healthy(self, work: Work, spec: ReleaseSpec) -> Health:
        """Waits until the release is healthy. Raises Unhealthy."""
        try:
            health = await wait_until_healthy(spec, _Watched(self, spec, work.masked), work.say)
        finally:
            for sentence in await asyncio.to_thread(self._border.said, spec.release_id):
                await work.say(phrase(sentence))
        if layers := await asyncio.to_thread(self._layers.said, spec.release_id):
            await work.say(phrase(layers))
        await asyncio.to_thread(record.mark, self._layout.release(spec.release_id), record.HEALTHY)
        return health

    async def stop(self, release_id: str, *, drain_seconds: float = 0.0) -> None:
        """Waits for the drain, then ends every process of the release. No error when there is none."""
        await asyncio.sleep(drain_seconds)
        programs = self._records.programs(release_id)
        family = await self._family(programs)
        if programs:
            await self._supervisord.take_down(programs, grace_seconds=self._grace_seconds)
        await asyncio.to_thread(self._copies.end, checked_id(release_id), family)
        if programs:
            await self._supervisord.let_go(programs)
        await asyncio.to_thread(self._layers.end, release_id)

    async def start_again(self, release_id: str) -> None:
        """Starts a release that was prepared, or stopped since. Raises UnknownRelease."""
        await self.ensure()
        folder = self._layout.release(release_id)
        programs = self._records.programs(release_id)
        if not programs:
            raise UnknownRelease("This release is not on this machine any more; deploy it again.")
        if release_id not in await self.running():
            await asyncio.to_thread(record.mark, folder, record.STARTED)
        await self._supervisord.add(programs)

    async def remove(self, release_id: str) -> None:
        """Ends the release and removes its record, program file, logs and cgroup. No error when it is gone."""
        if self._layout.release(checked_id(release_id)).exists():  # the first that is made and the last that goes
            await self.stop(release_id)
            await asyncio.to_thread(self._remove_files, release_id)

    async def missing(self, artifact: Artifact) -> str | None:
        """Whether the bundle's files are there; they can be read as long as they are."""
        there = await asyncio.to_thread(Path(bundle_of(artifact).folder).is_dir)
        return None if there else "Its files are not on this machine any more; deploy that commit again."

    async def keep(self, artifact: Artifact, app_name: str, release_id: str) -> Artifact:
        """A bundle is a folder, which is the caller's."""
        return artifact

    async def discard(self, release_id: str) -> None:
        """A bundle is a folder, which is the caller's."""

    async def status(self, release_id: str) -> ReleaseStatus:
        """What the processes of the release do now. Raises Unavailable when supervisord is not there."""
        programs = self._records.programs(release_id)
        found = await self._supervisord.look(programs)
        exits = await asyncio.to_thread(self._exits, release_id, programs, record.STARTED)
        known = [(program, info) for program, info in zip(programs, found, strict=True) if info is not None]
        return ReleaseStatus(release_id=release_id, processes=tuple(self._status(*each, exits) for each in known))

    async def running(self) -> set[str]:
        """The releases that supervisord keeps alive."""
        return {group[1:] for group in await self._supervisord.groups()}

    async def known(self) -> set[str]:
        """The releases that have a record here, running or stopped."""
        return await asyncio.to_thread(self._records.names)

    async def crashed(self, release_id: str) -> bool:
        """Whether a process of it has ended by itself since it was healthy, or is down now although it should be up."""
        programs = self._records.programs(release_id)
        try:
            now = await self.status(release_id)
        except rpc.SupervisordAway:
            return False  # its end is not the application's doing; the watch brings both up again
        exits = await asyncio.to_thread(self._exits, release_id, programs, record.HEALTHY)
        return bool(exits) or (bool(now.processes) and not now.up)

    async def usurped(self) -> set[str]:
        """Those on whose port another account listens, as the kernel's list of sockets tells it."""
        return await asyncio.to_thread(self._records.usurped)

    async def variables(self, release_id: str) -> Mapping[str, str]:
        """The variables that the release was started with; none where it is unknown."""
        found = await asyncio.to_thread(record.read_record, self._layout.release(release_id))
        if found is None or found.sealed_env is None:
            return {}
        opened: dict[str, str] = self._vault.open(found.sealed_env)
        return opened

    async def inside(self, release_id: str) -> Inside:
        """Its folder. Raises UnknownRelease."""
        return await asyncio.to_thread(record.inside, self._layout.root, self._layout.release(release_id), self._vault)

    async def read_logs(
        self,
        app_name: str,
        *,
        release_id: str | None = None,
        tail: int = 200,
        masked: Callable[[str], str] = lambda text: text,
    ) -> str:
        """The last lines of each process; with several, each line is led by the name of its process."""
        return await asyncio.to_thread(self._records.read_logs, checked_id(app_name), release_id, tail, masked)

    async def pieces(self, release_id: str, behind: Behind, masked: Callable[[str], str]) -> list[Piece]:
        """Read from its log files and those that were rotated away."""
        return await asyncio.to_thread(self._records.pieces, checked_id(release_id), behind, masked)

    async def forget(self, application_id: str, app_name: str) -> None:
        """Removes the home folder and the logs of an application whose releases are removed."""
        for folder in (self._layout.home(application_id), self._layout.logs(app_name)):
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def remove_volumes(self, application_id: str) -> None:
        """Processes have none."""

    async def shut_down(self) -> None:
        """Ends supervisord and every process that it keeps alive; the next ``ensure`` brings them up again."""
        await self._supervisord.shut_down(grace_seconds=self._grace_seconds + 5)
        await asyncio.to_thread(self._reap_orphans)
        if self._groups is not None:
            await asyncio.to_thread(self._groups.clear)
        self._laid_out = False  # the next ``ensure`` makes the groups again, with what is attached to them

    def supervisor_pid(self) -> int | None:
        """The pid of supervisord; None when it does not run."""
        return self._supervisord.pid()

    # ---- what is on disk

    def _lay_out(self, judge: Callable[[], None]) -> None:
        layout = self._layout
        make_folder(layout.root, 0o711)
        for folder in (layout.root / "homes", layout.layers):
            make_folder(folder, 0o711)
        for folder in (layout.supervisord, layout.programs, layout.root / "releases", layout.root / "logs"):
            make_folder(folder, 0o700)
        # First, for a launcher may begin at any moment. Those of older versions read a file of another name.
        configuration = render_configuration(vault_key=self._vault_key, caddy=self._caddy)
        write_privately(layout.root / launcher.CONFIGURATION, configuration)
        programs = {layout.python: sys.executable, layout.launcher: launcher.__file__, layout.console: entry.__file__}
        for link, program in programs.items():
            make_link(link, Path(program))
        if self._groups is not None:
            self._groups.make()
        judge()

    def _write(self, spec: ReleaseSpec) -> None:
        folder = self._layout.release(spec.release_id)
        make_folder(folder, 0o700)
        make_folder(self._layout.logs(spec.app_name), 0o700)
        groups = (
            ()
            if self._groups is None
            else self._groups.plan(spec.release_id, memory_bytes=spec.memory_bytes, process_limit=spec.process_limit)
        )
        text = record.render_record(spec, vault=self._vault, home=self._home(spec), groups=groups)
        write_privately(folder / launcher.RECORD, text)
        self._records.written(spec.release_id)
        self._border.forget(spec.uid)
        self._border.keep()
        name = group_of(spec.release_id)
        if not (self._layout.programs / f"{name}.conf").exists():
            program_text = render_programs(
                self._layout, spec.app_name, record.programs_of(spec), grace_seconds=self._grace_seconds
            )
            write_privately(self._layout.programs / f"{name}.down", program_text)

    def _home(self, spec: ReleaseSpec) -> str:
        if spec.data_folder is not None:
            return spec.data_folder
        home = self._layout.home(spec.application_id)
        make_folder(home, 0o700)
        if spec.uid is not None and os.geteuid() == 0:
            os.chown(home, spec.uid, spec.uid if spec.gid is None else spec.gid)
        return str(home)

    def _remove_files(self, release_id: str) -> None:
        folder = self._layout.release(release_id)
        found = record.read_record(folder)
        for suffix in ("conf", "down", "bad"):
            (self._layout.programs / f"{group_of(release_id)}.{suffix}").unlink(missing_ok=True)
        if found is not None:
            self._supervisord.exits.drop([program.name for program in found.programs])
            for program in found.programs:
                app_logs.remove(self._layout.log(found.app_name, program))
            with contextlib.suppress(OSError):
                self._layout.logs(found.app_name).rmdir()
        # Last of all, since it is what tells a repeated call what else there is.
        shutil.rmtree(folder, ignore_errors=True)
        self._records.written(release_id)
        self._border.keep()

    # ---- what runs

    async def _family(self, programs: Sequence[Program]) -> Mapping[int, int]:
        try:
            found = await self._supervisord.look(programs)
        except rpc.SupervisordAway:
            return {}
        return await asyncio.to_thread(self._copies.family, [info["pid"] for info in found if info and info["pid"]])

    def _reap_orphans(self) -> None:
        self._copies.end_orphans(self._records.names())

    def _exits(self, release_id: str, programs: Sequence[Program], since: str) -> list[Exit]:
        names = [program.name for program in programs]
        return self._supervisord.exits.of(names, since=self._records.marked(release_id, since))

    def _status(self, program: Program, info: Mapping[str, Any], exits: Sequence[Exit]) -> ProcessStatus:
        own = [end for end in exits if end.program == program.name]
        pid = int(info["pid"]) or None
        return ProcessStatus(
            name=program.label,
            state=_STATES.get(int(info["state"]), ProcessState.CRASHED),
            pid=pid,
            since=datetime.fromtimestamp(int(info["start"]), UTC) if pid is not None else None,
            exits=len(own),
            last_exit=self._last_exit(program, own),
            lacks=None if pid is None else self._copies.lacking(pid),
        )

    def _last_exit(self, program: Program, exits: Sequence[Exit]) -> str | None:
        if not exits:
            return None
        release_id, how = program.release_id, exits[-1].how
        if (full := self._layers.reason(release_id, program.label, how)) is not None:
            return full
        if exits[-1].killed and self._copies.memory_kills(release_id) > 0:
            return f"{how}, since its memory bound was reached (raise it: headway apps set APP --memory SIZE)"
        return self._disks.reason(release_id, how, exits[-1].at)


class _Watched:
    """A release as the health check sees it."""

    def __init__(self, runtime: NativeRuntime, spec: ReleaseSpec, masked: Callable[[str], str]) -> None:
        self._runtime = runtime
        self._release_id = spec.release_id
        self._app_name = spec.app_name
        self._masked = masked
        self._supervised: list[int] = []

    async def processes(self) -> Sequence[ProcessStatus]:
        try:
            status = await self._runtime.status(self._release_id)
        except rpc.SupervisordAway:
            await self._runtime.ensure()
            status = await self._runtime.status(self._release_id)
        self._supervised = [process.pid for process in status.processes if process.pid is not None]
        return status.processes

    def pids(self) -> set[int]:
        return self._runtime._copies.of(self._release_id, self._supervised)  # noqa: SLF001 - two halves of one module

    def launched(self, pid: int) -> bool:
        return self._runtime._copies.launched(pid)  # noqa: SLF001

    def last_lines(self, process: str, count: int) -> list[str]:
        runtime = self._runtime
        programs = {program.label: program for program in runtime._records.programs(self._release_id)}  # noqa: SLF001
        log = runtime._layout.log(self._app_name, programs[process])  # noqa: SLF001
        return app_logs.shown_lines(log, count, self._masked)
