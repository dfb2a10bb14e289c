"""Keeps the processes of applications apart on the machine's own addresses: none takes another's port, none goes to
another's, and on the loopback each reaches what is its own, and the ports that are open to it.

The kernel judges, by programs that are attached to the control group of all that a panel starts. They outlive the
panel, as what they judge does.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import TypeVar

from headway.drivers.runtimes.gates import bpf, egress_code, instructions, mark_code, mirrors, places, socket_code
from headway.drivers.runtimes.gates.places import Place, Role
from headway.drivers.runtimes.gates.socket_code import Accounts, Holds
from headway.drivers.runtimes.gates.table_content import Content, Gated, Ports, content_of, here, home, number, pair
from headway.infra.hosts import cgroups
from headway.kernel.dataclass import dataclass

_CODE = tuple(str(each.__file__) for each in (socket_code, instructions, egress_code, mark_code))
_FORGET_SECONDS = 600.0
APPLICATIONS, CONTAINERS, SWARM = "applications", "containers", "swarm"
_FILLED_BY = number(0xFFFFFFFF)  # no port: under it the table of owners says which process has filled all of them
Tables = Mapping[str, bpf.Table]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Telling:
    """What fails within is a problem of this, and ends there."""

    problems: dict[str, str]
    what: str

    def __enter__(self) -> None:
        self.problems.pop(self.what, None)

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if not isinstance(error, OSError):
            return False
        self.problems[self.what] = error.strerror or str(error)
        return True


@dataclass(slots=True, kw_only=True)
class Gates:
    """The gates of one panel. Its runs have groups of their own where they go by another name, ``runs``. ``problems``
    tells of what cannot be had (those of applications, of containers, of copies in a swarm) why. All of it blocks.
    """

    panel_id: str
    accounts: Accounts
    ports: Ports
    runs: str | None = None
    problems: dict[str, str] = field(default_factory=dict)
    _marks: bool = field(init=False, default=False)
    _prepares: bool = field(init=False, default=False)
    _self: bytes = field(init=False, default_factory=lambda: os.urandom(4))
    _forget_at: float = field(init=False, default=0.0)
    _filled: dict[Path, tuple[int, Content]] = field(init=False, default_factory=dict)
    _builds: dict[int, frozenset[int]] = field(init=False, default_factory=dict)
    _kept_from: dict[int, set[int]] = field(init=False, default_factory=dict)
    _last: Content = field(init=False, default_factory=dict)
    _records: Callable[[], Sequence[Gated]] = field(init=False, default=tuple)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    @property
    def problem(self) -> str | None:
        """Why applications have none, None where they have."""
        return self.problems.get(APPLICATIONS)

    def go_by(self, records: Callable[[], Sequence[Gated]]) -> None:
        """Where the records are found as long as none were given."""
        self._records = records

    def keep(self, records: Sequence[Gated]) -> None:
        """Makes what the kernel goes by what the records say. Where the machine does not allow it, ``problem`` says
        why.
        """
        with self._lock:
            kept = tuple(records)
            self._records = lambda: kept
            content = self._last = self._content()
            self._marks = self._marks or self._has_marked()
            with self._telling(APPLICATIONS):
                there = self._places()
                for place in there:
                    self._fill(place, content)
                self._forget_marks()
                if not any(place.role is Role.TREE for place in there):
                    self.problems[APPLICATIONS] = "there are no control groups of version 2"

    def stand(self) -> Path | None:
        """The group below which whatever begins is judged from its first moment; None where the machine allows none."""
        with self._lock, self._telling(APPLICATIONS):
            cgroups.discover(self.panel_id)
            folders = self._trees()
            for place in map(Place, folders):
                if not self._stands(place):
                    self._fill(place, self._last or self._content())
            return folders[0] if folders else None
        return None

    def contain(self, *, slices: bool) -> tuple[str, str] | None:
        """What an engine is to be told that containers begin in, with the kernel judging where they go from their first
        moment; None where it does not. An engine that has systemd make its groups is told of ``slices``. What is in the
        second reaches of this machine what is open to all only.
        """
        with self._lock, self._telling(CONTAINERS):
            pair = [self._told_apart(places.place_of(self.panel_id, role, slices=slices)) for role in places.CONTAINERS]
            for place in pair:
                place.folder.mkdir(parents=True, exist_ok=True)
            # The network that it is to be in may be new, and the machine's address there with it.
            self._last = {**(self._last or self._content()), "hw_here": here()}
            for each in self._places():
                self._fill(each, self._last)
            return pair[0].shown, pair[1].shown
        return None

    def prepare(self) -> None:
        """Sees to all that there may be, whatever engine there will be. What stands is left as it is: this is not the
        process that keeps it, and does not know all that it is kept by.
        """
        self._prepares = True
        for slices in (False, True):
            self.contain(slices=slices)
        self.mark(ruled=False)

    def mark(self, *, ruled: bool) -> str | None:
        """What containers of a swarm are to have as a setting of their network, by which the kernel knows them wherever
        they begin, from before anything of them runs; None where it does not.
        """
        with self._lock, self._telling(SWARM):
            folder = self._told_apart(places.root())
            self._marks = True
            self._last = {**(self._last or self._content()), "hw_here": here()}
            self._fill(Place(folder, Role.ROOT), self._last)
            return mark_code.mark(self.panel_id, ruled=ruled)
        return None

    def find(self, settings: Mapping[int, str]) -> None:
        """Takes up what has begun while no kernel noted it, as after a reboot: what the first processes of containers
        have as the setting, by their ids.
        """
        known = {mark_code.mark(self.panel_id, ruled=ruled): ruled for ruled in (False, True)}
        folder = places.root()
        if folder is None:
            return
        with self._lock, self._telling(SWARM), _closing(self._standing(Place(folder, Role.ROOT)) or {}) as tables:
            for pid, setting in settings.items() if tables else ():
                group = places.number_of(pid)
                if group is not None and setting in known:
                    tables[instructions.MARKS].put(struct.pack("=Q", group), number(known[setting]))

    def build(self, account: int, ports: Sequence[int]) -> None:
        """From now on what builds under an account reaches of the loopback these ports, and those of mirrors, beside
        what is open to all and what it listens on itself. Nothing where the machine allows no gates.
        """
        wanted = frozenset((*ports, *mirrors.ports()))
        with self._lock:
            self._kept_from.pop(account, None)
            if self._builds.get(account) == wanted:
                return
            self._builds[account] = wanted
            self._last = self._content()
            with self._telling(APPLICATIONS):
                if (root := places.root()) is not None:
                    (root / "headway" / (self.runs or self.panel_id)).mkdir(parents=True, exist_ok=True)
                for place in map(Place, self._trees()):
                    self._fill(place, self._last)

    def kept_from(self, account: int) -> set[int]:
        """The ports that what builds under an account was kept from, since it began."""
        self.refused()
        with self._lock:
            return set(self._kept_from.get(account, ()))

    def clear(self) -> None:
        """Removes the groups of containers, where none is left in them, and what asks for marks."""
        folders = [each.folder / f"headway/{self.panel_id}/containers" for each in cgroups.hierarchies()]
        slices = places.place_of(self.panel_id, Role.OPEN, slices=True)
        with self._lock:
            self._marks = False
            if (root := places.root()) is not None:
                with contextlib.suppress(OSError):  # a kernel that has no such programs
                    self._take_off(Place(root, Role.ROOT))
            cgroups.remove([*folders, *([] if slices is None else [slices.folder.parent])])
            for folder in folders:
                with contextlib.suppress(OSError):  # others are in it
                    folder.parent.rmdir()
            self._filled.clear()

    def refused(self) -> set[tuple[int, int]]:
        """The accounts that were kept from a port, with the port, since this was asked last."""
        found: set[tuple[int, int]] = set()
        with self._lock, contextlib.suppress(OSError):
            for place in map(Place, self._trees()):
                with _closing(self._tables(place) or {}) as tables:
                    for key in list(tables["hw_refused"].keys()) if tables else ():
                        account, port = struct.unpack("=II", key)
                        found.add((account, port))
                        if account in self._builds:
                            self._kept_from.setdefault(account, set()).add(port)
                        with contextlib.suppress(FileNotFoundError):
                            tables["hw_refused"].drop(key)
        return found

    def _telling(self, what: str) -> _Telling:
        return _Telling(self.problems, what)

    def _told_apart(self, place: T | None) -> T:
        """The place where the kernel tells what is in it from what is in other networks. Raises OSError."""
        if self.accounts.home is None:
            raise OSError(0, "the kernel tells networks not apart (Linux 5.14 does)")
        if place is None:
            raise OSError(0, "the control groups of version 2 are not seen from their root")
        return place

    def _trees(self) -> list[Path]:
        names = [self.panel_id] if self.runs is None else [self.panel_id, self.runs]
        return [folder for name in names for folder in places.trees_of(name)]

    def _places(self) -> list[Place]:
        there = [*map(Place, self._trees()), *places.places_of(self.panel_id)]
        folder = places.root() if self._marks else None
        return there if folder is None else [*there, Place(folder, Role.ROOT)]

    def _has_marked(self) -> bool:
        """Whether an earlier panel has had copies of a swarm marked: what knows them is to be of this version."""
        folder, found = places.root(), list[int]()
        if folder is not None and self.accounts.home is not None:
            with contextlib.suppress(OSError):  # a kernel that has no such programs
                found = self._of_before(Place(folder, Role.ROOT), instructions.SYSCTL)
        with bpf.held(found):
            return bool(found)

    def _forget_marks(self) -> None:
        """Of groups that are gone, now and then."""
        folder = places.root()
        if folder is None or not self._marks or time.monotonic() < self._forget_at:
            return
        self._forget_at = time.monotonic() + _FORGET_SECONDS
        with _closing(self._standing(Place(folder, Role.ROOT)) or {}) as tables:
            marks = list(tables[instructions.MARKS].keys()) if tables else []  # before it is looked what there is
            there = {struct.pack("=Q", each) for each in places.numbers()} if marks else set()
            for key in marks:
                if key not in there:
                    tables[instructions.MARKS].drop(key)

    def _content(self) -> Content:
        made = content_of(self._records(), self.ports)
        for account, ports in self._builds.items():
            made["hw_accounts"].setdefault(number(account), number(Holds.RULED))
            made["hw_doors"].update({pair(account, port): number(1) for port in ports})
        return made

    def _stands(self, place: Place) -> bool:
        with _closing(self._standing(place) or {}) as tables:
            return bool(tables)

    def _fill(self, place: Place, content: Content) -> None:
        standing = self._standing(place)
        with _closing(self._set_up(place, content) if standing is None else standing) as tables:
            if standing is not None and self._prepares:
                return
            owners = tables["hw_owners"]
            mark = owners.number()
            if self._filled.get(place.folder) != (mark, content) or owners.value(_FILLED_BY) != self._self:
                for name, wanted in content.items():
                    if name in tables:  # of those that a program does not use it has none
                        tables[name].fill(wanted)
                owners.put(_FILLED_BY, self._self)
                self._filled[place.folder] = (mark, content)

    def _standing(self, place: Place) -> Tables | None:
        """The tables of the programs that are attached; None where these are not all of this version's. Of two sets,
        which two processes made at once, one goes.
        """
        name = self._name(place)
        for kind in place.role.kinds:
            with bpf.held(bpf.attached(place.folder, kind)) as found:
                ours = [each for each in found if bpf.name_of(each) == name]
                for extra in ours[1:]:
                    bpf.detach(place.folder, kind, extra)
                if not ours:
                    return None
        return self._tables(place)

    def _tables(self, place: Place) -> Tables | None:
        """Those of the program that judges connections; None where it is not of this version."""
        name = self._name(place)
        with bpf.held(bpf.attached(place.folder, instructions.CONNECT_4)) as found:
            return next((bpf.tables_of(each) for each in found if bpf.name_of(each) == name), None)

    def _set_up(self, place: Place, content: Content) -> Tables:
        """A set of its own, in force before the one of another version is taken off."""
        sizes = instructions.MARKED if place.role is Role.ROOT else instructions.TABLES
        tables = {
            name: bpf.make_table(name, key_bytes=key, value_bytes=value, entries=entries)
            for name, (key, value, entries) in sizes.items()
        }
        for name, wanted in content.items():
            tables[name].fill(wanted)
        name = self._name(place)
        for kind in place.role.kinds:
            old = self._of_before(place, kind)
            program = bpf.load(name, kind, self._code(place, kind, tables))
            bpf.attach(place.folder, kind, program)
            os.close(program)
            for each in old:
                self._take_over(each, tables)
                bpf.detach(place.folder, kind, each)
                os.close(each)
        return tables

    def _take_over(self, program: int, tables: Tables) -> None:
        """What another version has noted."""
        with _closing(bpf.tables_of(program)) as before:
            if instructions.MARKS in before and instructions.MARKS in tables:
                for key, value in before[instructions.MARKS].content().items():
                    tables[instructions.MARKS].put(key, value)

    def _take_off(self, place: Place) -> None:
        for kind in place.role.kinds:
            for each in self._of_before(place, kind):
                bpf.detach(place.folder, kind, each)
                os.close(each)

    def _of_before(self, place: Place, kind: bpf.Kind) -> list[int]:
        """The programs of this panel that are attached, of whatever version."""
        found = bpf.attached(place.folder, kind)
        ours = [each for each in found if bpf.name_of(each).startswith(self._prefix(place))]
        for each in found:
            if each not in ours:
                os.close(each)
        return ours

    def _code(self, place: Place, kind: bpf.Kind, tables: Tables) -> bpf.Code:
        home = self.accounts.home or 0
        if kind == instructions.SYSCTL:
            return mark_code.noted(self.panel_id, place.folder.stat().st_ino, tables)
        if kind == instructions.CREATE:
            return socket_code.created(self.accounts)
        if kind in {instructions.BOUND_4, instructions.BOUND_6}:
            return socket_code.bound(self.accounts, tables)
        match place.role:
            case Role.TREE:
                return socket_code.reached(self.accounts, tables, kind)
            case Role.ROOT:
                return mark_code.judged(home, tables, kind)
        return socket_code.apart(home, tables, kind, ruled=place.role is Role.RULED)

    def _name(self, place: Place) -> str:
        prefix, what = self._prefix(place), f"{_version()}{(self.accounts, place.role)!r}"
        return f"{prefix}{hashlib.sha256(what.encode()).hexdigest()}"[:15]

    def _prefix(self, place: Place) -> str:
        """What its programs' names begin with. At the root are those of other panels too."""
        of_panel = hashlib.sha256(self.panel_id.encode()).hexdigest()[:6]
        return f"hm{of_panel}" if place.role is Role.ROOT else "hw_"


def gates_of(
    panel_id: str, accounts: range | None, ports: Ports, outward: int | None = None, runs: str | None = None
) -> Gates | None:
    """The gates of a panel that gives applications accounts of their own; None where it does not. Who has the group
    ``outward`` reaches the internet only.
    """
    if accounts is None or os.geteuid() != 0:
        return None
    judged = Accounts(first=accounts.start, end=accounts.stop, outward=outward, home=home())
    return Gates(panel_id=panel_id, accounts=judged, ports=ports, runs=runs)


@cache
def _version() -> str:
    """Of the programs, by what they are made from."""
    return hashlib.sha256(b"".join(Path(each).read_bytes() for each in _CODE)).hexdigest()


@contextlib.contextmanager
def _closing(tables: Tables) -> Iterator[Tables]:
    try:
        yield tables
    finally:
        for each in tables.values():
            each.close()
