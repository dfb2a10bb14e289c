"""This machine as a host."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from pathlib import Path

from headway.infra.hosts import cgroups, processes, procfs, untracked_cgroups
from headway.infra.hosts.anchor import program
from headway.infra.hosts.anchor_client import LinkedAnchor
from headway.infra.hosts.anchor_start import AnchorFailed, Opening, marks
from headway.infra.hosts.base import AnchorGone, AnchorSpec, Exit, Handle, HostUnreachable
from headway.infra.hosts.call_filter import call_filter
from headway.infra.hosts.capabilities import Capabilities, probe
from headway.infra.hosts.command import Limits
from headway.infra.hosts.epochs import Epochs
from headway.infra.hosts.files import LocalFiles
from headway.infra.hosts.ground import other_boot
from headway.infra.hosts.local_ground import LEAVING_SECONDS, LocalGround, folder_of, gone
from headway.infra.hosts.run_folder import RunFolder, check_id, run_name, split_run_name
from headway.infra.hosts.wire import Field
from headway.kernel.errors import Conflict, HeadwayError

SWEEP_SECONDS = 20.0
EPOCHS_KEPT_SECONDS = 30 * 86_400
PRUNE_EVERY_SECONDS = 86_400
# For so long after its total deadline an anchor waits for a panel, then it ends itself.
LINGER_SECONDS = 600


class LocalHost(LocalFiles):
    """The machine that the panel runs on. Below ``root`` it keeps a folder per run and the epochs in force.

    ``panel_id`` tells the control groups of several panels apart. Whether control groups and PID namespaces are used is
    found out once, unless it is said. ``gated`` sees to it that the kernel judges what is in a new group, and gives
    the one that holds those which are ruled. Of each run's output at most about ``spool_cap_bytes`` are kept.
    """

    def __init__(
        self,
        root: Path,
        panel_id: str,
        host_id: str = "local",
        *,
        use_cgroups: bool | None = None,
        gated: Callable[[bool], str | None] = lambda ruled: None,  # noqa: ARG005 - as it is called
        use_pid_namespaces: bool | None = None,
        spool_cap_bytes: int = 512 << 20,
        machine: str | None = None,
    ) -> None:
        self.host_id = host_id
        self.own_folders = (str(root.absolute()),)
        self._runs = root.absolute() / "runs"
        self._panel_id = check_id(panel_id)
        self._use_cgroups = use_cgroups
        self._gated = gated
        self._use_pid_namespaces = use_pid_namespaces
        self._spool_cap = spool_cap_bytes
        self._machine = machine or os.uname().machine
        for folder in (root, self._runs, root / "epochs"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._epochs = Epochs(root.absolute() / "epochs")
        self._program = _keep_program(root.absolute())
        self._prune_at = 0.0
        self._linger_seconds = LINGER_SECONDS
        self._probing = asyncio.Lock()
        self._found: Capabilities | None = None
        self._anchors: set[LinkedAnchor] = set()

    @property
    def link(self) -> int | None:
        """This machine needs none."""
        return 0

    async def capabilities(self) -> Capabilities:
        """What this machine allows; found out at the first call, for `headway doctor` and for every anchor."""
        async with self._probing:
            if self._found is None:
                self._found = await asyncio.to_thread(
                    probe,
                    program=self._program,
                    panel_id=self._panel_id,
                    machine=self._machine,
                    use_cgroups=self._use_cgroups,
                    use_pid_namespaces=self._use_pid_namespaces,
                )
            return self._found

    async def boot_id(self) -> str:
        """The kernel's identifier of this boot."""
        return _boot_id()

    async def open_anchor(self, spec: AnchorSpec) -> LinkedAnchor:
        """Starts an anchor that waits for ``go``; its handle is to be saved in between.

        Raises EpochPassed when a later epoch is in force, Conflict when this run has an anchor already.
        """
        name = run_name(spec.deployment_id, spec.epoch)
        found = await self.capabilities()
        await self._epochs.raise_to(spec.deployment_id, spec.epoch, durable=False)
        folder = RunFolder(self._runs / name)
        started = asyncio.get_running_loop().run_in_executor(None, self._open, spec, folder, found)
        try:
            opening, handle = await asyncio.shield(started)
        except asyncio.CancelledError:
            started.add_done_callback(self._drop)
            raise
        except OSError as error:
            msg = f"The process that is to hold the run could not be started: {error.strerror}."
            raise AnchorFailed(msg) from error
        return self._anchor(handle, spec.epoch, opening)

    async def attach(self, handle: Handle, epoch: int) -> LinkedAnchor:
        """The living anchor behind a handle, spoken to at ``epoch``."""
        self._epochs.check(handle.deployment_id, epoch)
        folder = folder_of(handle)
        if handle.boot_id != _boot_id():
            if folder.never_started:
                raise gone(handle, folder)
            raise other_boot(handle)
        anchor = self._anchor(handle, epoch)
        try:
            await anchor.greet()
        except BaseException:
            self._release(anchor)
            raise
        return anchor

    async def raise_epoch(self, deployment_id: str, epoch: int) -> None:
        """Puts ``epoch`` in force: whatever carries an earlier one is refused from now on.

        Raises EpochPassed when a later one is in force already.
        """
        await self._epochs.raise_to(deployment_id, epoch)

    def fence(self, deployment_id: str, epoch: int) -> AbstractAsyncContextManager[None]:
        """Holds the epoch still while an effect outside the anchor happens; raises EpochPassed at the door."""
        return self._epochs.fence(deployment_id, epoch)

    async def sweep(self, handle: Handle) -> None:
        """Ends every process that a run whose anchor is gone left behind, until none is left."""
        if handle.boot_id != _boot_id():
            return
        # One that says that it was never started may still be on its way out.
        if not await asyncio.to_thread(processes.await_death, handle.pid, handle.start_time, LEAVING_SECONDS):
            msg = f"The anchor of deployment {handle.deployment_id} is alive: it is to be attached to, not swept."
            raise HeadwayError(msg)
        folders = await self._groups(handle)
        run_marks, among = marks(handle.deployment_id, handle.epoch), await self._plausible(handle)
        ended = await asyncio.to_thread(cgroups.end_all, folders, SWEEP_SECONDS)
        ended = await asyncio.to_thread(processes.end_marked, run_marks, SWEEP_SECONDS, among) and ended
        if not ended:
            msg = f"Processes of deployment {handle.deployment_id} do not end although they were killed."
            raise HostUnreachable(msg)

    async def read_output(self, handle: Handle, offset: int, limit: int) -> bytes:
        """Output that a run left, its anchor alive or not; b"" at the end or when there is none."""
        return await asyncio.to_thread(folder_of(handle).read, offset, limit)

    async def exits(self, handle: Handle) -> dict[str, Exit]:
        """The recorded ends of a run's commands by name, its anchor alive or not."""
        return await asyncio.to_thread(folder_of(handle).exits)

    async def forget(self, handle: Handle) -> None:
        """Ends a living anchor of an ended run and removes its folder and cgroup."""
        if handle.boot_id == _boot_id() and processes.is_alive(handle.pid, handle.start_time):
            epoch = max(handle.epoch, self._epochs.current(handle.deployment_id))
            anchor = self._anchor(handle, epoch)
            with suppress(AnchorGone, HostUnreachable):
                await anchor.close()
                return
            self._release(anchor)
            await asyncio.to_thread(_kill, handle)
        await self.sweep(handle)
        await self._tidy(handle)

    async def remaining(self) -> list[Handle]:
        """Every run folder on this host, as handles, and every control group that has no folder any more."""
        trees = (await self.capabilities()).trees
        names = await asyncio.to_thread(lambda: {*(path.name for path in self._runs.iterdir()), *trees.runs()})
        await asyncio.to_thread(self._prune)
        return [self._handle(*run, trees) for name in sorted(names) if (run := split_run_name(name))]

    async def make_group(self, name: str, limits: Limits, *, ruled: bool = False) -> str | None:
        """A control group, within the limits, for what another program starts on a run's behalf: its path from the
        hierarchy's root. None where control groups are not to be used, or their root is not seen from here.
        """
        if self._use_cgroups is False:
            return None
        above = await asyncio.to_thread(self._gated, ruled) if ruled else None
        group = (
            untracked_cgroups.group_of(self._panel_id, check_id(name))
            if above is None
            else untracked_cgroups.within(above, name)
        )
        if not await asyncio.to_thread(untracked_cgroups.make, group, limits):
            return None
        await asyncio.to_thread(self._gated, above is not None)
        return group

    async def end_group(self, name: str) -> bool:
        """Ends every process in such a group, until none is left, and removes it; whether memory ran out there."""
        group = untracked_cgroups.group_of(self._panel_id, check_id(name))
        ruled = untracked_cgroups.within(untracked_cgroups.ruled_of(self._panel_id), name)
        ended = [
            await asyncio.to_thread(untracked_cgroups.end, group, SWEEP_SECONDS),
            await asyncio.to_thread(lambda: untracked_cgroups.end(ruled, SWEEP_SECONDS, keeping_none=False)),
        ]
        ran_out = None if None in ended else any(ended)
        if ran_out is None:
            raise HostUnreachable(f"Processes in the control group {group} do not end although they were killed.")
        return ran_out

    async def aclose(self) -> None:
        """Lets go of all anchors; they and their commands live on. Where there are none, no group is left either."""
        for anchor in self._anchors:
            anchor.disconnect()
        self._anchors.clear()
        if self._found:
            await asyncio.to_thread(self._found.trees.leave)
            self._found = None

    def _open(self, spec: AnchorSpec, folder: RunFolder, found: Capabilities) -> tuple[Opening, Handle]:
        name = run_name(spec.deployment_id, spec.epoch)
        try:
            folder.path.mkdir(mode=0o700)
        except FileExistsError:
            msg = f"The run {name} has an anchor already."
            raise Conflict(msg) from None
        boot_id = _boot_id()
        config: dict[str, Field] = {
            "mode": "anchor",
            "machine": self._machine,
            "deployment": spec.deployment_id,
            "epoch": spec.epoch,
            "run_folder": str(folder.path),
            "epoch_file": str(self._epochs.file(spec.deployment_id)),
            "boot_id": boot_id,
            "total_seconds": spec.total_seconds,
            "linger_seconds": self._linger_seconds,
            "spool_cap": self._spool_cap,
            "namespaces": int(found.pid_namespaces),
            "filter": call_filter(self._machine),
            **found.trees.run(name),
        }
        opening = Opening(self._program, ("anchor", name), config, folder.path / "anchor.err")
        said = opening.line().split()
        if len(said) != len(("pid", "start_time", "grouped")):
            raise _failed(opening, folder)
        pid, start_time, grouped = (int(word) for word in said)
        if pid != opening.pid:  # it goes on as its own child
            os.waitpid(opening.pid, 0)
        handle = Handle(
            host_id=self.host_id,
            deployment_id=spec.deployment_id,
            epoch=spec.epoch,
            boot_id=boot_id,
            pid=pid,
            start_time=start_time,
            cgroup=found.trees.path_below_root(name) if grouped else "",
            run_folder=str(folder.path),
        )
        return opening, handle

    def _prune(self) -> None:
        if time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + PRUNE_EVERY_SECONDS
            self._epochs.prune(EPOCHS_KEPT_SECONDS)

    def _drop(self, started: asyncio.Future[tuple[Opening, Handle]]) -> None:
        """Nobody waits for this anchor any more: without its opening it ends, and the sweep finds its folder."""
        if not started.cancelled() and started.exception() is None:
            opening, _ = started.result()
            opening.abandon()

    def _anchor(self, handle: Handle, epoch: int, opening: Opening | None = None) -> LinkedAnchor:
        ground = LocalGround(
            folder=folder_of(handle), epochs=self._epochs, tidy=self._tidy, sweep=self.sweep, opening=opening
        )
        anchor = LinkedAnchor(handle=handle, epoch=epoch, ground=ground, waits=opening is not None)
        self._anchors.add(anchor)
        return anchor

    def _release(self, anchor: LinkedAnchor) -> None:
        anchor.disconnect()
        self._anchors.discard(anchor)

    async def _tidy(self, handle: Handle) -> None:
        """Removes what a run leaves: first its groups, last the folder by which it would be found again."""
        for anchor in [anchor for anchor in self._anchors if anchor.handle == handle]:
            self._release(anchor)
        await asyncio.to_thread(processes.bury, handle.pid, handle.start_time)
        folders = await self._groups(handle)
        await asyncio.to_thread(cgroups.remove, folders)
        await asyncio.to_thread(folder_of(handle).remove)

    async def _groups(self, handle: Handle) -> list[Path]:
        """The run's groups: those that its anchor noted, and those where ours would be."""
        noted = await asyncio.to_thread(folder_of(handle).cgroups)
        trees = (await self.capabilities()).trees
        ours = map(Path, trees.folders_of(run_name(handle.deployment_id, handle.epoch)))
        return [folder for folder in dict.fromkeys([*noted, *ours]) if folder.is_dir()]

    async def _plausible(self, handle: Handle) -> Callable[[int], bool]:
        """Says of a process with the run's marks, which are anybody's to choose, whether it can be one of the run's:
        each is in a group of the run from its beginning on, unless its anchor could have none.
        """
        trees, name = (await self.capabilities()).trees, run_name(handle.deployment_id, handle.epoch)
        noted = await asyncio.to_thread(folder_of(handle).cgroups)
        if not trees.holds or (noted and not {*map(str, noted)}.intersection(trees.folders_of(name))):
            return lambda _pid: True
        return partial(cgroups.could_hold, own=(f"headway/{self._panel_id}/{name}",))

    def _handle(self, deployment_id: str, epoch: int, trees: cgroups.Trees) -> Handle:
        name = run_name(deployment_id, epoch)
        folder = RunFolder(self._runs / name)
        pid, start_time, boot_id = folder.identity() or (0, 0, _boot_id())
        return Handle(
            host_id=self.host_id,
            deployment_id=deployment_id,
            epoch=epoch,
            boot_id=boot_id,
            pid=pid,
            start_time=start_time,
            cgroup=trees.path_below_root(name),
            run_folder=str(folder.path),
        )


def _boot_id() -> str:
    return procfs.boot_id(os.environ.get("HEADWAY_BOOT_ID_FILE", procfs.BOOT_ID))


def _keep_program(root: Path) -> Path:
    """Writes the anchor's program where it stays for as long as anchors of this version are started."""
    text = program()
    path = root / f"anchor-{hashlib.sha256(text).hexdigest()[:12]}.pl"
    if not path.exists():
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_bytes(text)
        draft.rename(path)
    return path


def _failed(opening: Opening, folder: RunFolder) -> AnchorFailed:
    opening.abandon()
    os.waitpid(opening.pid, 0)
    msg = f"The process that was to hold the run ended at once: {folder.complaints() or 'it did not say why'}."
    folder.remove()
    return AnchorFailed(msg)


def _kill(handle: Handle) -> None:
    processes.send(signal.SIGKILL, handle.pid, handle.start_time)
    processes.await_death(handle.pid, handle.start_time, LEAVING_SECONDS)
