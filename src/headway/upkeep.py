"""What is done to a data directory beside its panel: back it up, restore it, see whether this version can open it, and
keep up or end what it keeps alive.
"""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from headway import __version__
from headway.core.access import sessions_store
from headway.core.access.survey import Line
from headway.core.deployments import restoration, store
from headway.core.deployments.store import Unfinished
from headway.core.engine.scheduler import store as timers_store
from headway.drivers.panel_machine import PanelMachine
from headway.features.notifications import store as notifications_store
from headway.features.services import store as services_store
from headway.infra.daemons.daemon import MARKER
from headway.infra.db import dump, earlier_database
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migration import DatabaseNewer
from headway.infra.db.transaction import Tx
from headway.infra.hosts import cgroups, processes
from headway.infra.panel.archive import Contents, check_archive, unpack_archive, write_archive
from headway.infra.panel.data_dir import KEPT_APART, DataDir, holder_of, shelter_of, sync_folder
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, HeadwayError, InvalidInput
from headway.kernel.settings import Part, Settings
from headway.kernel.vault import Vault
from headway.kind_versions import KIND_VERSIONS
from headway.surveys import lines

log = logging.getLogger(__name__)

DATABASE = "database"
_PROBE = "headway"
_DATABASE_FILE = "headway.db"
_ENDS = (signal.SIGTERM, signal.SIGINT)


class NotRestorable(Conflict):
    """The backup is whole, but it cannot be restored here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """A backup that was made."""

    path: Path
    bytes: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored: how many files, when and where the backup was made, and by which version; and how many
    notifications waited in it, which are not sent.
    """

    files: int
    unsent: int
    made_at: str
    made_by: str
    data_dir: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What this version would find and do if it opened a data directory now. ``revision`` None: there is no database
    yet; ``unfinished`` are the deployments that run, with the versions of their kinds that this version has; ``left``
    is what goes on although this version would not take it any more.
    """

    data_dir: Path
    version: str
    found_version: str | None
    python: str
    revision: str | None
    newest_revision: str
    migrations: Mapping[str, str]
    too_new: bool
    panel: int | None
    unfinished: tuple[Unfinished, ...]
    kinds: Mapping[str, tuple[int, str | None]]
    database_bytes: int
    free_bytes: int
    left: tuple[Line, ...] = ()


def back_up(settings: Settings, path: Path, *, with_logs: bool) -> BackedUp:
    """Writes one archive, for its owner only, of the database as it is at one moment and of the panel's own files; the
    panel may run meanwhile. Raises InvalidInput, CannotDump, CannotWriteArchive.
    """
    folder = settings.data_dir
    key = folder / "vault.key"
    if not key.exists():
        raise InvalidInput(f"{folder} is no data directory of a panel: it has no vault.key. Name it with --data-dir.")
    url = settings.database.reveal()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as aside:
        copy = Path(aside) / DATABASE
        dump.dump(url, copy)
        members = [(DATABASE, copy), *_files(folder, with_logs=with_logs)]
        header = {
            "version": __version__,
            "madeAt": datetime.now(UTC).isoformat(timespec="seconds"),
            "dataDir": str(folder),
            "database": dump.backend(url),
            "revision": dump.revision(url),
            "sealed": Vault(key.read_bytes()).seal(_PROBE),
        }
        size = write_archive(path, header, members)
    return BackedUp(path=path, bytes=size, files=len(members))


def put_back(settings: Settings, path: Path) -> Restored:
    """Makes a data directory of a backup, where there is none or an empty one: all of it or nothing.

    The archive is checked to its last byte before anything is written, then unpacked beside its place, checked again,
    and put in place in one move. Raises NotABackup, NotRestorable, DatabaseNewer, CannotDump, NotEmpty.
    """
    folder = settings.data_dir
    _require_empty(folder)
    contents = check_archive(path)
    _require_fit(contents, settings)
    with _draft(folder) as draft:
        _require_replaceable(folder, draft)
        unpack_archive(path, draft)
        _check_key(draft, contents)
        url = settings.database.reveal()
        database = draft / DATABASE
        dump.check_dump(url, database)
        if dump.backend(url) == "sqlite":
            database.rename(draft / _DATABASE_FILE)
            url = f"sqlite:///{draft / _DATABASE_FILE}"
        else:
            dump.load(url, database)
        with _uninterrupted():  # a database that was filled belongs to the key that is in the draft
            database.unlink(missing_ok=True)
            unsent = _settle(url, contents.header["dataDir"], str(folder))
            sync_folder(draft)
            draft.rename(folder)  # an empty directory is replaced
            sync_folder(folder.parent)
    header = contents.header
    return Restored(
        files=len(contents.members),
        unsent=unsent,
        made_at=header["madeAt"],
        made_by=header["version"],
        data_dir=header["dataDir"],
    )


def look_ahead(settings: Settings) -> Outlook:
    """Looks at a data directory, with or without a panel that works on it, and changes nothing. Raises DatabaseAway."""
    folder = settings.data_dir
    url = settings.database.reveal()
    revision, known = dump.revision(url), dump.known_revisions()
    can_read = revision is not None and revision in known
    return Outlook(
        data_dir=folder,
        version=__version__,
        found_version=_text(folder / "version"),
        python=platform.python_version(),
        revision=revision,
        newest_revision=known[-1],
        migrations={} if revision is None else {each: dump.titles()[each] for each in known if each > revision},
        too_new=revision is not None and revision not in known,
        panel=holder_of(folder),
        unfinished=tuple(_unfinished(url)) if can_read else (),
        left=tuple(_left(settings, url, folder / "vault.key")) if can_read else (),
        kinds=KIND_VERSIONS,
        database_bytes=_database_bytes(folder),
        free_bytes=shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free,
    )


async def end_all(settings: Settings) -> None:
    """Ends all that a data directory keeps alive while no panel works with it: deployments, applications, supervisor
    and edge. The next panel reports the deployments as lost and brings the applications up again. Raises HeadwayError.
    """
    data_dir = DataDir.open(settings.data_dir)
    try:
        await PanelMachine(settings=settings, data_dir=data_dir).shut_down()
    finally:
        data_dir.close()


def become(settings: Settings, part: Part) -> NoReturn:
    """Turns this process, that of a systemd unit, into supervisord or Traefik once the panel has none that lives.
    Raises HeadwayError.
    """
    machine = PanelMachine(settings=settings, data_dir=DataDir.beside(settings.data_dir))
    match part:
        case Part.SUPERVISOR:
            machine.native.become()
        case Part.EDGE:
            machine.edge.become()


def set_gates(settings: Settings) -> None:
    """Sets the gates of what engines begin by themselves, as after a start of the machine. Raises HeadwayError."""
    machine = PanelMachine(settings=settings, data_dir=DataDir.beside(settings.data_dir))
    for what, problem in sorted(machine.prepare().items()):
        log.warning("there are no gates of %s: %s", what, problem)


def _files(folder: Path, *, with_logs: bool) -> list[tuple[str, Path]]:
    """The panel's own files: all that is in the data directory but for what belongs to the machine or is made anew."""
    found: list[tuple[str, Path]] = []
    for top, folders, files in os.walk(folder):
        place = Path(top).relative_to(folder)
        apart = KEPT_APART if with_logs or place != Path() else KEPT_APART | {"logs"}
        folders[:] = sorted(set(folders) - apart)
        for name in sorted(set(files) - apart):
            path = Path(top) / name
            is_database = place == Path() and name.startswith(_DATABASE_FILE)
            if not is_database and path.suffix not in {".new", ".bad"} and path.is_file() and not path.is_symlink():
                found.append((str(place / name), path))
    return found


def _require_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NotRestorable(
            f"{folder} is not empty. A backup is restored into a folder that is empty or not there yet: name one with "
            "--data-dir, or move what is there away."
        )


def _require_fit(contents: Contents, settings: Settings) -> None:
    header = contents.header
    wanted = dump.backend(settings.database.reveal())
    if header["database"] != wanted:
        raise NotRestorable(
            f"The backup holds a database of {header['database']}, and the settings name one of {wanted}: set or unset "
            "HEADWAY_DATABASE_URL accordingly."
        )
    if header["revision"] not in dump.known_revisions():
        raise DatabaseNewer(str(header["revision"]), dump.known_revisions()[-1])
    dump.require_empty(settings.database.reveal())
    still = _kept_alive(header["dataDir"])
    if still:
        raise NotRestorable(
            f"What the backup's panel keeps alive still runs on this machine (process {still[0]}), and two panels "
            f"would fight over it. End it first: headway down --data-dir {header['dataDir']}"
        )


def _kept_alive(data_dir: str) -> list[int]:
    """What a panel with this data directory keeps alive here: the supervisor of applications, and the edge. Whatever
    an application, a build or a container says of itself, in its environment, it is neither.
    """
    folders = (f"{data_dir}/", f"{shelter_of(Path(data_dir))}/")
    found = processes.marked_with(MARKER)
    return [pid for pid, state in found.items() if state.startswith(folders) and cgroups.could_hold(pid, ())]


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """A folder beside the place, which is gone afterwards unless it was put in place; also after SIGTERM. What an
    earlier restore left that was killed is removed.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}.restoring")
    shutil.rmtree(draft, ignore_errors=True)
    before = signal.signal(signal.SIGTERM, _end)
    try:
        draft.mkdir(mode=0o700)
        yield draft
    except OSError as error:
        raise NotRestorable(f"{folder} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Whoever ends it meanwhile is heard afterwards."""
    heard: list[int] = []
    before = {each: signal.signal(each, lambda number, _frame: heard.append(number)) for each in _ENDS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    for number in heard[:1]:
        signal.raise_signal(number)


def _require_replaceable(folder: Path, draft: Path) -> None:
    """Whether the draft can take its place, which what is mounted does not let go. Raises NotRestorable."""
    if not folder.exists():
        return
    empty = draft / "place"
    empty.mkdir(mode=0o700)
    try:
        empty.rename(folder)
    except OSError as error:
        raise NotRestorable(
            f"{folder} cannot be replaced ({error.strerror}): mostly something is mounted there. Name a folder within "
            "it with --data-dir."
        ) from error


def _end(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def _check_key(draft: Path, contents: Contents) -> None:
    try:
        matches = Vault((draft / "vault.key").read_bytes()).open(contents.header["sealed"]) == _PROBE
    except (OSError, ValueError, HeadwayError):
        matches = False
    if not matches:
        raise NotRestorable("The key in the backup is not the one that its secrets were written with.")


def _settle(url: str, before: str, now: str) -> int:
    """Rows name the files of their logs, which may lie elsewhere now; nobody is signed in; and what the panel of the
    copy had under way is not this one's to end, to repeat or to take back, nor what it had to tell this one's to send:
    how many notifications that are.
    """

    def settle(tx: Tx) -> int:
        sessions_store.forget_all(tx)
        restoration.end_all(tx)
        timers_store.drop_all_waiting(tx)
        services_store.let_all_go(tx)
        if before != now:
            store.move_logs(tx, f"{before}/logs/", f"{now}/logs/")
        return notifications_store.give_up_waiting(tx)

    database = SqlDatabase(url)
    try:
        return asyncio.run(database.run(settle))
    finally:
        database.close()


def _unfinished(url: str) -> list[Unfinished]:
    database = SqlDatabase(url)
    try:
        return asyncio.run(database.read(store.unfinished_kinds))
    finally:
        database.close()


def _left(settings: Settings, url: str, key: Path) -> list[Line]:
    """What this version leaves as it is although it would not take it any more."""
    if not key.exists():
        return []
    vault, database = Vault(key.read_bytes()), SqlDatabase(url)
    try:
        return asyncio.run(earlier_database.read(database, lambda tx: list(lines(tx, vault, settings))))
    finally:
        database.close()


def _database_bytes(folder: Path) -> int:
    found = 0
    for name in (_DATABASE_FILE, f"{_DATABASE_FILE}-wal"):
        with suppress(FileNotFoundError):
            found += (folder / name).stat().st_size
    return found


def _text(path: Path) -> str | None:
    with suppress(OSError):
        return path.read_text().strip() or None
    return None


def json_of(value: BackedUp | Restored | Outlook) -> dict[str, Any]:
    """A result for programs."""
    return {name: str(each) if isinstance(each, Path) else each for name, each in asdict(value).items()}
