"""A server behind SSH as a host: nothing is needed there but a Linux with perl, and nothing is left but its runs."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from headway.infra.hosts import anchor as anchor_program
from headway.infra.hosts.anchor_client import LinkedAnchor
from headway.infra.hosts.anchor_start import AnchorFailed, marks
from headway.infra.hosts.base import AnchorGone, AnchorSpec, Exit, FileFailed, Handle, HostUnreachable
from headway.infra.hosts.call_filter import call_filter
from headway.infra.hosts.command import Limits
from headway.infra.hosts.epochs import LOCK_SECONDS, EpochHeld, passed
from headway.infra.hosts.ground import never_started, other_boot
from headway.infra.hosts.local import EPOCHS_KEPT_SECONDS, LINGER_SECONDS, PRUNE_EVERY_SECONDS, SWEEP_SECONDS
from headway.infra.hosts.run_folder import check_id, run_name, split_run_name
from headway.infra.hosts.server_trees import ServerTrees, prepared
from headway.infra.hosts.ssh_fence import SshFence, within
from headway.infra.hosts.ssh_files import SshFiles
from headway.infra.hosts.ssh_ground import SshGround, exits, looked
from headway.infra.hosts.ssh_program import Conversation, converse
from headway.infra.hosts.ssh_session import ANSWER_SECONDS, Pin, SessionState, SshSession
from headway.infra.hosts.ssh_target import SshTarget
from headway.infra.hosts.untracked_cgroups import group_of
from headway.infra.hosts.wire import SPARE_BYTES, Field, pack
from headway.kernel.errors import Conflict, HeadwayError
from headway.kernel.turns import Turns

ROOT = "/var/lib/headway"
EXCHANGE_SECONDS = 3600.0  # as long as it takes to remove all that is in a folder


class SshHost(SshFiles):
    """The machine behind ``target``. Below ``root`` it keeps a folder per run and the epochs in force; ``pin`` keeps
    the key of a server that has none pinned. ``panel_id`` tells the runs of several panels apart, ``turns`` are those
    in which the panel connects to its servers.
    """

    def __init__(
        self,
        host_id: str,
        target: SshTarget,
        panel_id: str,
        *,
        pin: Pin = lambda _key: asyncio.sleep(0),
        root: str = ROOT,
        use_cgroups: bool | None = None,
        use_pid_namespaces: bool | None = None,
        spool_cap_bytes: int = 512 << 20,
        turns: Turns | None = None,
    ) -> None:
        self.host_id = host_id
        # The server's own among those of the panel: one machine may be a server twice, or be the panel's as well, and
        # whoever sweeps must not meet there what another host of the same panel runs.
        self.place = check_id(f"{panel_id}-{host_id}")
        self.root = f"{root}/{self.place}"
        self.work = f"{self.root}.work"  # which unprivileged accounts may pass through
        self.own_folders = (self.root, self.work)
        self._runs = f"{self.root}/runs"
        self._epochs = f"{self.root}/epochs"
        self._use_cgroups = use_cgroups
        self._use_pid_namespaces = use_pid_namespaces
        self._spool_cap = spool_cap_bytes
        text = anchor_program.program()
        self._program = f"{self.root}/anchor-{hashlib.sha256(text).hexdigest()[:12]}.pl"
        self._session = SshSession(target, (self.root, self._runs, self._epochs), pin, turns)
        self._preparing = asyncio.Lock()
        self._prepared: tuple[object, ServerTrees] | None = None
        self._anchors: set[LinkedAnchor] = set()
        self._prune_at = 0.0

    @property
    def link(self) -> int | None:
        """The number of the link that stands, which no other link has had; None while there is none."""
        return self._session.number

    @property
    def target(self) -> SshTarget:
        """Where it is, with the key that it has shown."""
        return self._session.target

    @property
    def standing(self) -> SessionState:
        """Whether the link stands, and when the server was last heard of."""
        return self._session.standing

    @property
    def session(self) -> SshSession:
        """The link itself, for what streams over it."""
        return self._session

    def retry_at_once(self) -> None:
        """The next question connects without waiting for its turn."""
        self._session.retry_at_once()

    @property
    def machine(self) -> str:
        """The kind of machine (uname -m), "" before the first link."""
        return self._session.machine

    async def clock(self) -> float:
        """The server's time in seconds since 1970, to a millisecond. Raises HostUnreachable."""
        return float((await self._session.ask("clock"))[1])

    async def boot_id(self) -> str:
        """The kernel's identifier of this boot. Raises HostUnreachable."""
        return (await self._session.ask("boot_id"))[1].decode()

    async def open_anchor(self, spec: AnchorSpec) -> LinkedAnchor:
        """Starts an anchor that waits for ``go``; its handle is to be saved in between.

        Raises EpochPassed when a later epoch is in force, Conflict when this run has an anchor already.
        """
        trees = await self._trees()
        run = run_name(spec.deployment_id, spec.epoch)
        folder, epoch_file = f"{self._runs}/{run}", self._epoch_file(spec.deployment_id)
        boot_id = await self.boot_id()
        config: dict[str, Field] = {
            "mode": "anchor",
            "machine": self._session.machine,
            "deployment": spec.deployment_id,
            "epoch": spec.epoch,
            "run_folder": folder,
            "epoch_file": epoch_file,
            "boot_id": boot_id,
            "total_seconds": spec.total_seconds,
            "linger_seconds": LINGER_SECONDS,
            "spool_cap": self._spool_cap,
            "namespaces": int(trees.pid_namespaces),
            "filter": call_filter(self._session.machine),
            **trees.run(run),
        }
        packed = pack(field for pair in config.items() for field in pair)
        mark_fields = [text for pair in marks(spec.deployment_id, spec.epoch).items() for text in pair]
        said = await self._unheld(
            spec.deployment_id,
            spec.epoch,
            ("open", run, folder, epoch_file, spec.epoch, self._program, packed, *mark_fields),
        )
        pid, start_time, grouped = await self._announced(run, folder, said)
        handle = Handle(
            host_id=self.host_id,
            deployment_id=spec.deployment_id,
            epoch=spec.epoch,
            boot_id=boot_id,
            pid=pid,
            start_time=start_time,
            cgroup=trees.path_below_root(run) if grouped else "",
            run_folder=folder,
        )
        return self._anchor(handle, spec.epoch, waits=True)

    async def attach(self, handle: Handle, epoch: int) -> LinkedAnchor:
        """The living anchor behind a handle, spoken to at ``epoch``."""
        await self._ground(handle).check_epoch(handle, epoch)
        if handle.boot_id != await self.boot_id():
            marked = await self.read_file(f"{handle.run_folder}/never_started")
            raise other_boot(handle) if marked is None else never_started(handle)
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
        asked = ("raise", self._epoch_file(deployment_id), epoch, 1)
        deadline = time.monotonic() + LOCK_SECONDS
        while not (current := (await self._session.ask(*asked))[1]):
            await _pause(deployment_id, deadline)
        if int(current) > epoch:
            raise passed(deployment_id, epoch, int(current))

    def fence(self, deployment_id: str, epoch: int) -> AbstractAsyncContextManager[None]:
        """Holds the epoch still while an effect outside the anchor happens; raises EpochPassed at the door. Where the
        link is lost meanwhile the server lets the epoch go, and what is asked in the block raises HostUnreachable.
        """
        return self._fenced(deployment_id, epoch)

    async def sweep(self, handle: Handle) -> None:
        """Ends every process that a run whose anchor is gone left behind, until none is left."""
        if handle.boot_id != await self.boot_id():
            return
        trees = await self._trees()
        groups = trees.folders_of(run_name(handle.deployment_id, handle.epoch))
        process = (handle.run_folder, handle.pid, handle.start_time)
        run = (handle.deployment_id, handle.epoch, int(trees.holds))
        match (await self._session.ask("sweep", *process, *run, *groups, seconds=SWEEP_SECONDS * 2))[1]:
            case b"ok":
                return
            case b"alive":
                msg = f"The anchor of deployment {handle.deployment_id} is alive: it is to be attached to, not swept."
                raise HeadwayError(msg)
            case _:
                msg = f"Processes of deployment {handle.deployment_id} do not end although they were killed."
                raise HostUnreachable(msg)

    async def read_output(self, handle: Handle, offset: int, limit: int) -> bytes:
        """Output that a run left, its anchor alive or not; b"" at the end or when there is none."""
        most = limit + SPARE_BYTES
        return (await self._session.ask("read", handle.run_folder, offset, limit, most_bytes=most))[1]

    async def exits(self, handle: Handle) -> dict[str, Exit]:
        """The recorded ends of a run's commands by name, its anchor alive or not."""
        return await exits(self._session, handle)

    async def forget(self, handle: Handle) -> None:
        """Ends a living anchor of an ended run and removes its folder and cgroup."""
        if handle.boot_id == await self.boot_id() and await looked(self._session, handle) is None:
            (_, current) = await self._session.ask("epoch", self._epoch_file(handle.deployment_id))
            anchor = self._anchor(handle, max(handle.epoch, int(current)))
            with suppress(AnchorGone, HostUnreachable):
                await anchor.close()
                return
            self._release(anchor)
            await self._session.ask("strike", handle.pid, handle.start_time)
        await self.sweep(handle)
        await self._tidy(handle)

    async def remaining(self) -> list[Handle]:
        """Every run folder on this host, as handles, and every control group that has no folder any more."""
        trees = await self._trees()
        if time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + PRUNE_EVERY_SECONDS
            await self._session.ask("prune", self._epochs, EPOCHS_KEPT_SECONDS)
        _, *found = await self._session.ask("remaining", self._runs, *map(str, trees.folders.values()))
        texts = [field.decode() for field in found]
        rows = zip(texts[::4], texts[1::4], texts[2::4], texts[3::4], strict=True)
        return [handle for row in rows if (handle := self._handle(trees, *row)) is not None]

    async def make_group(self, name: str, limits: Limits, *, ruled: bool = False) -> str | None:
        """A control group, within the limits, for what another program starts on a run's behalf: its path from the
        hierarchy's root. None where control groups are not to be used, or their root is not seen from there. A server
        is its organisation's own: nothing is ``ruled`` there.
        """
        if self._use_cgroups is False:
            return None
        group = group_of(self.place, check_id(name))
        word, *made = await self._session.ask("make_guest", group, limits.memory_bytes, limits.processes)
        return group if word == b"ok" and made == [b"1"] else None

    async def end_group(self, name: str) -> bool:
        """Ends every process in such a group, until none is left, and removes it; whether memory ran out there."""
        group = group_of(self.place, check_id(name))
        _, ran_out = await self._session.ask("end_guest", group, SWEEP_SECONDS, seconds=SWEEP_SECONDS * 2)
        if not ran_out:
            raise HostUnreachable(f"Processes in the control group {group} do not end although they were killed.")
        return ran_out == b"1"

    async def end_marked(self, mark: str) -> None:
        """Ends every process that was started with this variable, and all below it, until none is left."""
        if (await self._session.ask("end_marked", mark, seconds=SWEEP_SECONDS * 2))[1] != b"1":
            raise HostUnreachable(f"Processes on {self.target.place} do not end although they were killed.")

    async def exchange(self, deployment_id: str, epoch: int, move: str, place: str) -> bool:
        """Makes one of the moves by which a folder of a run gets into the ``place`` of another; whether that other one
        is out of its place, and wanted still. Raises EpochPassed, FileFailed, HostUnreachable: then it may go on there,
        and whoever puts a later epoch in force waits for it.
        """
        asked = ("exchange", self._epoch_file(deployment_id), epoch, move, place, check_id(deployment_id))
        word, *said = await self._unheld(deployment_id, epoch, asked, seconds=EXCHANGE_SECONDS)
        if word != b"ok":
            raise FileFailed(f"Cannot exchange {place} ({move}): {b' '.join(said).decode(errors='replace')}.")
        return said == [b"1"]

    async def dial(self, socket: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to a socket of the server, by its path. Raises OSError when nothing listens there, and
        HostUnreachable.
        """
        folder, _, name = socket.rpartition("/")
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport = await self._session.dial(folder or "/", name, protocol)
        return reader, asyncio.StreamWriter(transport, protocol, reader, asyncio.get_running_loop())

    async def converse(self, *argv: str) -> Conversation:
        """Starts a program of ours there, in a session of its own. Raises HostUnreachable."""
        return await converse(self._session, *argv)

    async def aclose(self) -> None:
        """Lets go of all anchors and of the link; they and their commands live on."""
        for anchor in self._anchors:
            anchor.disconnect()
        self._anchors.clear()
        await self._session.give_up()

    async def _trees(self) -> ServerTrees:
        """What the server allows, found out anew over each connection: it may have been started again meanwhile."""
        async with self._preparing:
            porter = await self._session.porter()
            if self._prepared is None or self._prepared[0] is not porter:
                await self.write_file(self._program, anchor_program.program())
                trees = await prepared(
                    self._session,
                    self.place,
                    self._program,
                    use_cgroups=self._use_cgroups,
                    use_pid_namespaces=self._use_pid_namespaces,
                )
                self._prepared = (porter, trees)
            return self._prepared[1]

    async def _unheld(
        self, deployment_id: str, epoch: int, asked: tuple[Field, ...], seconds: float = ANSWER_SECONDS
    ) -> list[bytes]:
        """An answer that is given once nobody else holds the epoch. Raises EpochPassed."""
        verb, *arguments = asked
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            answer = await self._session.ask(str(verb), *arguments, seconds=seconds)
            match answer[0]:
                case b"busy":
                    await _pause(deployment_id, deadline)
                case b"passed":
                    raise passed(deployment_id, epoch, int(answer[1]))
                case _:
                    return answer

    async def _announced(self, run: str, folder: str, said: list[bytes]) -> tuple[int, int, bool]:
        word, *lines = said
        if word == b"exists":
            raise Conflict(f"The run {run} has an anchor already.")
        words = lines[0].split() if word == b"ok" and lines else []
        if len(words) == len(("pid", "start_time", "grouped")):
            pid, start_time, grouped = (int(each) for each in words)
            return pid, start_time, bool(grouped)
        complaints = await self.read_file(f"{folder}/anchor.err") or b"it did not say why"
        await self.remove_tree(folder)
        raise AnchorFailed(f"The process that was to hold the run ended at once: {complaints.decode().strip()}.")

    @asynccontextmanager
    async def _fenced(self, deployment_id: str, epoch: int) -> AsyncIterator[None]:
        fence = SshFence(
            session=self._session,
            porter=await self._session.porter(),
            deployment_id=deployment_id,
            epoch_file=self._epoch_file(deployment_id),
            epoch=epoch,
        )
        with within(fence):
            await self._unheld(deployment_id, epoch, ("hold", fence.name, fence.epoch_file, epoch))
            yield

    def _anchor(self, handle: Handle, epoch: int, *, waits: bool = False) -> LinkedAnchor:
        anchor = LinkedAnchor(handle=handle, epoch=epoch, ground=self._ground(handle), waits=waits)
        self._anchors.add(anchor)
        return anchor

    def _ground(self, handle: Handle) -> SshGround:
        epoch_file = self._epoch_file(handle.deployment_id)
        return SshGround(self._session, epoch_file=epoch_file, tidy=self._tidy, sweep=self.sweep)

    def _release(self, anchor: LinkedAnchor) -> None:
        anchor.disconnect()
        self._anchors.discard(anchor)

    async def _tidy(self, handle: Handle) -> None:
        """Removes what a run leaves: first its groups, last the folder by which it would be found again."""
        for anchor in [anchor for anchor in self._anchors if anchor.handle == handle]:
            self._release(anchor)
        groups = (await self._trees()).folders_of(run_name(handle.deployment_id, handle.epoch))
        await self._session.ask("tidy", handle.run_folder, *groups)

    def _epoch_file(self, deployment_id: str) -> str:
        return f"{self._epochs}/{check_id(deployment_id)}"

    def _handle(self, trees: ServerTrees, name: str, pid: str, start_time: str, boot_id: str) -> Handle | None:
        run = split_run_name(name)
        if run is None:
            return None
        return Handle(
            host_id=self.host_id,
            deployment_id=run[0],
            epoch=run[1],
            boot_id=boot_id,
            pid=int(pid),
            start_time=int(start_time),
            cgroup=trees.path_below_root(name),
            run_folder=f"{self._runs}/{name}",
        )


async def _pause(deployment_id: str, deadline: float) -> None:
    if time.monotonic() > deadline:
        msg = f"The run of deployment {deployment_id} is held on its server by another panel that does not let go."
        raise EpochHeld(msg)
    await asyncio.sleep(0.02)
