"""How a stream is brought to a destination so that nothing but a whole and proven object gets a good name there, and
how an object is read back.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, field
from pathlib import Path

from headway.core.access import allowances, policy
from headway.core.deployments.run import Json, Run, RunFailed, Undo, UndoContext
from headway.core.deployments.status import Reason
from headway.core.engine.explanations import ECHO
from headway.drivers.dumps.base import Whole
from headway.drivers.storages import packer
from headway.drivers.storages.access import ready
from headway.drivers.storages.base import PARTIAL, Storage
from headway.drivers.storages.queries import Storages
from headway.drivers.storages.rclone import explained
from headway.features.destinations import store, stored_backup_store
from headway.features.destinations.address_check import require_outward_storage
from headway.features.destinations.model import needs_of, storage_of
from headway.features.destinations.stored_backup_model import KeptFile
from headway.infra.db.transaction import Tx
from headway.infra.hosts.command import Account, Command, Limits, Stage
from headway.infra.hosts.privileges import bounded, stage
from headway.infra.hosts.ssh_client import BROKEN, PROGRAM, broken
from headway.kernel.dataclass import dataclass
from headway.kernel.ids import new_id
from headway.kernel.phrase import phrase
from headway.kernel.secret import Secret
from headway.kernel.vault import Vault

UNDO_OBJECT, UNDO_FOLDER = "object", "passing folder"
_TAIL = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPlace:
    """An object's place: the storage with what opens it, and its path there."""

    destination_id: str
    storage: Storage
    path: str

    def dump(self) -> dict[str, Json]:
        """The JSON that ``load`` reads; it holds secrets."""
        return asdict(self)

    @staticmethod
    def load(values: Mapping[str, Json]) -> ObjectPlace:
        """The place that ``dump`` wrote."""
        held = values["storage"]
        account = None if held["account"] is None else Account(**held["account"])
        lists = {name: tuple(held.get(name, ())) for name in ("flags", "addresses")}
        storage = Storage(**{**held, **lists, "account": account})
        return ObjectPlace(**{**values, "storage": storage})


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupStream:
    """What makes the stream: its programs with their environment and standard input, ``engine`` that it is said to be
    of, and how it is known to be whole. The first program may end with one of the ``tolerated`` statuses; ``plain``
    streams are not compressed. ``place`` is the server that it comes from ("": it is made here), ``speaker`` what the
    program is called in its complaints there. ``account`` starts the programs; None: the panel's own, as whatever reads
    what all accounts have.
    """

    programs: tuple[tuple[str, ...], ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: bytes = field(default=b"", repr=False)
    engine: str
    whole: Whole
    tolerated: frozenset[int] = frozenset()
    plain: bool = False
    place: str = ""
    speaker: str = ""
    account: Account | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferredFile:
    """What was brought to a destination, and whether its first program had something to say (a tolerated status)."""

    bytes: int
    sha256: str
    contents: int
    tolerated: bool
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupTransfer:
    """What runs bring things to destinations with. ``folder`` is what local destinations lie below, ``passing`` where
    runs note the sums of what passes. ``uid_base`` is where the accounts begin, None where there are none, ``outward``
    the group of what reaches the internet only, ``home`` an empty folder, in which whatever runs as one of them begins.
    ``limits`` bound each command and all that it starts.
    """

    vault: Vault
    storages: Storages
    folder: Path
    passing: Path
    uid_base: int | None = None
    outward: int | None = None
    home: str = "/"
    limits: Limits = field(default_factory=Limits)

    def place(self, tx: Tx, destination_id: str, path: str, password: Secret | None) -> ObjectPlace:
        """The place of an object. Raises Missing."""
        destination = store.find_to_reach(tx, destination_id, self.vault)
        account = destination.account_of(self.uid_base, self.outward)
        storage = storage_of(destination.reach, self.folder / destination_id, password, account)
        return ObjectPlace(destination_id=destination_id, storage=storage, path=path)

    def require_allowed(self, tx: Tx, destination_id: str) -> None:
        """Whether anything may be brought there now. Raises NotAllowed."""
        found = store.find(tx, destination_id, self.vault)
        allowances.require(tx, found.organization_id, destination_id, needs_of(found.reach))

    def secrets(self, tx: Tx, destination_id: str) -> tuple[str, ...]:
        """What must not show of a destination."""
        return store.find(tx, destination_id, self.vault).reach.secrets

    def own_folder(self, deployment_id: str) -> str:
        """A run's own folder for what passes: only the panel can read it."""
        return str(self.passing / deployment_id)

    async def open_folder(self, run: Run) -> str:
        """Makes the run's own folder; whoever ends the run removes it."""
        folder = self.own_folder(run.deployment.deployment_id)
        await run.undo(UNDO_FOLDER, {"folder": folder})
        await run.host.make_folder(folder)
        return folder

    async def close_folder(self, run: Run) -> None:
        """Removes the run's own folder, once the steps before are recorded: one that read a note in it is never
        performed again without it. It is no step itself, for whoever performs the run again may have made it again.
        """
        await run.settled()
        await run.host.remove_tree(self.own_folder(run.deployment.deployment_id))

    async def upload(self, run: Run, place: ObjectPlace, stream: BackupStream) -> bool:
        """Streams to a partial name; nothing else is written anywhere but the stream's sum. Whether the first program
        ended with a tolerated status.
        """

        async def begin() -> Json:
            await require_outward_storage(self.storages, place.storage)  # before there is anything to take back
            await self.open_folder(run)
            await run.undo(UNDO_OBJECT, {"destination_id": place.destination_id, "path": place.path})
            await asyncio.to_thread(ready, place.storage, make=True)
            await run.say(phrase("Writing to {}{}.", place.path, PARTIAL))
            return None

        await run.step("begin", begin)
        rclone = self.storages.rclone
        header = json.dumps({"engine": stream.engine, "deployment": run.deployment.deployment_id, "format": 1})
        pack = ("pass", self._note(run, "sent")) if stream.plain else ("pack", self._note(run, "sent"), header)
        stages = (
            *(stage(each, stream.account) for each in stream.programs),
            self._packing(place.storage, *pack),
            await self._reaching(place.storage, rclone.upload(place.storage, f"{place.path}{PARTIAL}")),
        )
        command = self._command(run, stages, {**rclone.env(place.storage), **stream.env}, stdin=stream.stdin)
        exit_ = await run.command("upload", command, check=False)
        first = exit_.statuses[0]
        tolerated = exit_.cause is None and not any(exit_.statuses[1:]) and first in stream.tolerated
        if not exit_.succeeded and not tolerated:
            await self._blame(run, "upload", command, exit_.statuses, storage_stage=len(stages) - 1, made=stream)
        return tolerated

    async def prove(self, run: Run, place: ObjectPlace, stream: BackupStream, *, tolerated: bool) -> TransferredFile:
        """Reads the object back, compares its length and sum with what was sent, looks whether its contents are whole,
        and gives it its name.
        """
        rclone, partial = self.storages.rclone, f"{place.path}{PARTIAL}"
        said = await self._read(run, "read back", place.storage, partial, stream)
        sent, got = await run.step("compare", lambda: self._compared(run))
        moving = await self._reaching(place.storage, rclone.move(place.storage, partial, place.path))
        move = self._command(run, (moving,), rclone.env(place.storage))
        await self._must(run, "give it its name", move)
        await self._must(run, "look whether it is there", await self._look(run, place, sent["bytes"]))
        return TransferredFile(
            bytes=sent["bytes"], sha256=sent["sha256"], contents=got["contents"], tolerated=tolerated, said=said
        )

    async def _compared(self, run: Run) -> Json:
        """What was sent, and what came back, the same. It is a step, for the notes go before the end is written."""
        sent, got = await self._noted(run, "sent"), await self._noted(run, "read back")
        if (sent["bytes"], sent["sha256"]) != (got["bytes"], got["sha256"]):
            raise RunFailed(
                f"What lies at the destination is not what was sent there: {got['bytes']} bytes instead of"
                f" {sent['bytes']}, or altered. It gets no name; look whether the storage is sound."
            )
        return sent, got

    async def fetch(self, run: Run, name: str, place: ObjectPlace, engine: str, consumer: Whole) -> str:
        """Streams an object from its place to programs that read it, unpacked and proven; what the last one printed.
        Raises RunFailed with what is wrong with it.
        """
        stream = BackupStream(programs=(), engine=engine, whole=consumer)
        return await self._read(run, name, place.storage, place.path, stream)

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect: nothing is left of an object that was not finished."""
        return {
            UNDO_FOLDER: lambda undoing, data: undoing.host.remove_tree(data["folder"]),
            UNDO_OBJECT: self._undo_object,
        }

    async def _undo_object(self, undoing: UndoContext, data: Mapping[str, Json]) -> None:
        try:
            place = await undoing.write(lambda tx: self.place(tx, data["destination_id"], data["path"], None))
        except policy.Missing:  # its destination was removed: what lies there stays, and nothing leads there
            return
        async with undoing.fence():
            await self.storages.drop(place.storage, f"{place.path}{PARTIAL}")
            await self.storages.remove(place.storage, place.path)
        await undoing.write(lambda tx: stored_backup_store.remove_at(tx, place.destination_id, place.path))

    async def _read(self, run: Run, name: str, storage: Storage, path: str, stream: BackupStream) -> str:
        rclone = self.storages.rclone
        whole, note = stream.whole, self._note(run, name)
        if stream.plain:
            unpack: tuple[str, ...] = ("pass", note)
        elif whole.last_line is not None:
            unpack = ("unpack", note, stream.engine, whole.last_line)
        else:
            unpack = ("unpack", note, stream.engine)
        stages = (
            await self._reaching(storage, rclone.download(storage, path)),
            self._packing(storage, *unpack),
            *(stage(each, whole.account) for each in whole.programs),
        )
        before = packer.environment(whole.ahead, on_trial=whole.on_trial)
        command = self._command(run, stages, {**rclone.env(storage), **whole.env, **before}, capture=True)
        exit_ = await run.command(name, command, check=False)
        if not exit_.succeeded:
            await self._blame(run, name, command, exit_.statuses, storage_stage=0, made=whole)
        return exit_.output.decode(errors="replace").strip()

    async def _look(self, run: Run, place: ObjectPlace, size: int) -> Command:
        """Whether the object has its name, for a folder of this machine also on its disk."""
        if place.storage.folder is not None:
            path = f"{place.storage.folder}/{place.path}"
            syncing = Stage(argv=("sync", path, str(Path(path).parent)))
            return self._command(run, (syncing,), {"PATH": "/usr/bin:/bin"})
        rclone = self.storages.rclone
        there = ("grep", "--count", '"IsDir": *false' if place.storage.sealed else f'"Size": *{size},')
        asking = await self._reaching(place.storage, rclone.size(place.storage, place.path))
        stages = (asking, Stage(argv=there, account=place.storage.account))
        return self._command(run, stages, rclone.env(place.storage), capture=True)

    async def _must(self, run: Run, name: str, command: Command) -> None:
        exit_ = await run.command(name, command, check=False)
        if not exit_.succeeded:
            await self._blame(run, name, command, exit_.statuses, storage_stage=0)

    async def _blame(
        self,
        run: Run,
        name: str,
        command: Command,
        statuses: tuple[int, ...],
        *,
        storage_stage: int,
        made: BackupStream | Whole | None = None,
    ) -> None:
        """Ends the run with the stage that was the first to fail: the others failed because of it. What was ``made`` or
        read on a server is one of OpenSSH's client.
        """
        try:
            await run.command(name, command)  # it is not started again: this gives its end in words, with its output
        except RunFailed as failure:
            if failure.reason == Reason.OUT_OF_MEMORY:
                raise RunFailed(self.ran_out(name), Reason.OUT_OF_MEMORY) from failure
            if failure.reason != Reason.FAILED:
                raise
            said = await asyncio.to_thread(_tail, Path(run.deployment.log_path))
            at_fault = _at_fault(statuses, storage_stage)
            argv = command.stages[at_fault].argv
            argv = argv[argv.index("--") + 1 :] if argv[0] == "setpriv" else argv
            far = made if made is not None and made.place and argv[0] == PROGRAM else None
            is_ours = packer.__file__ in argv or (statuses[at_fault] == packer.REFUSED and not far)
            program = packer.SPEAKER if is_ours else far.speaker if far else Path(argv[0]).name
            if statuses[at_fault] < 0:
                ended_by = signal.Signals(-statuses[at_fault]).name
                raise RunFailed(f"{name}: {program} was ended by signal {ended_by}.") from failure
            if far and statuses[at_fault] == BROKEN:
                raise RunFailed(f"{name}: {broken(far.place)}") from failure
            if at_fault == storage_stage:
                raise RunFailed(f"{name}: the destination failed: {explained(said)}.") from failure
            words = _last_words(said, program)
            raise RunFailed(f"{name}: {words or failure.message}") from failure

    def _command(
        self, run: Run, stages: tuple[Stage, ...], env: Mapping[str, str], *, capture: bool = False,
        stdin: bytes = b"",
    ) -> Command:  # fmt: skip
        # It may take hours, and says only now and then how far it is: the bound of the whole run is its bound.
        seconds = run.deployment.total_seconds or run.deadlines.total.total_seconds()
        return Command(
            stages=stages,
            env=env,
            cwd=self.home,
            capture=capture,
            stdin=stdin,
            step_seconds=seconds,
            inactivity_seconds=seconds,
            limits=self.limits,
        )

    def ran_out(self, name: str) -> str:
        """That a command used more memory than it may, and what to do."""
        most = (self.limits.memory_bytes or 0) >> 20
        return f"{name} used more than {most} MiB of memory. Raise HEADWAY_STORAGE_MEMORY if that is meant to be so."

    def _note(self, run: Run, name: str) -> str:
        return f"{self.own_folder(run.deployment.deployment_id)}/{name.replace(' ', '-')}.json"

    async def _noted(self, run: Run, name: str) -> dict[str, Json]:
        held = await run.host.read_file(self._note(run, name))
        if held is None:
            raise RunFailed(f"The note of what was {name} is gone from {self.passing}; start the backup again.")
        found: dict[str, Json] = json.loads(held)
        return found

    def _packing(self, storage: Storage, *words: str) -> Stage:
        """It opens its note, and becomes the account of what it packs for by itself."""
        other = () if storage.account is None else (f"--as={storage.account.uid}",)
        return Stage(argv=(sys.executable, "-I", packer.__file__, *other, *words))

    async def _reaching(self, storage: Storage, argv: tuple[str, ...]) -> Stage:
        """What reaches the storage, as the account that does nothing else."""
        await require_outward_storage(self.storages, storage)
        account = await asyncio.to_thread(ready, storage)
        if account is None and storage.account is not None:
            return Stage(argv=bounded(argv))
        return stage(argv, account)


def kept_file(tx: Tx, run: Run, place: ObjectPlace, kept: TransferredFile) -> KeptFile:
    """The record of an object that was proven."""
    mine = run.deployment
    return KeptFile(
        kept_file_id=new_id(),
        subject_type=mine.subject_type,
        subject_id=mine.subject_id,
        destination_id=place.destination_id,
        deployment_id=mine.deployment_id,
        path=place.path,
        bytes=kept.bytes,
        contents=kept.contents,
        sha256=kept.sha256,
        sealed=place.storage.sealed,
        made_at=tx.now,
        proven_at=None,
    )


def _at_fault(statuses: tuple[int, ...], storage_stage: int) -> int:
    """Which stage failed by itself. Who writes to one that has ended is ended by SIGPIPE or fails too, so of several
    the last one is the cause; but for one that somebody ended, the storage where it is read from, and who refused what
    it read.
    """
    failed = [number for number, status in enumerate(statuses) if status]
    ended = [number for number in failed if statuses[number] < 0 and statuses[number] != -signal.SIGPIPE]
    if ended:
        return ended[0]
    if storage_stage == 0 and statuses[0] > 0:
        return storage_stage
    refused = [number for number in failed if statuses[number] == packer.REFUSED and number != storage_stage]
    return refused[0] if refused else failed[-1] if failed else storage_stage


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as log:
            log.seek(0, 2)
            log.seek(max(log.tell() - _TAIL, 0))
            return log.read().decode(errors="replace")
    except OSError:
        return ""


def _last_words(said: str, program: str) -> str:
    """The last line that a program wrote about itself, as most begin it with their name, if possible none that echoes
    another; of one of ours only what follows on that.
    """
    own = [line.strip() for line in said.splitlines() if line.strip().startswith(f"{program}:")] if program else []
    found = next((line for line in reversed(own) if not ECHO.search(line)), own[-1] if own else "")
    return found.removeprefix(f"{packer.SPEAKER}: ")
