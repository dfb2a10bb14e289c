"""Keeps the processes of applications apart on the machine's own addresses: none takes another's port, none goes to
another's, and on the loopback each reaches what is its own, and the ports that are open to it.

The kernel judges, by programs that are attached to the control group of all that a panel starts. They outlive the
panel, as what they judge does.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headway.infra.hosts import cgroups
from headway.seams.runtimes import bpf, gate_code, gate_words, mirrors, near_code, processes
from headway.seams.runtimes.gate_code import Accounts, Holds
from headway.seams.runtimes.record import ReleaseRecord

_KINDS = (gate_words.CREATE, gate_words.BOUND_4, gate_words.BOUND_6, *gate_words.REACHED)
_PREFIX = "hw_"
_CODE = tuple(str(each.__file__) for each in (gate_code, gate_words, near_code))
_SO_NETNS_COOKIE = 71
Tables = Mapping[str, bpf.Table]
Content = Mapping[str, dict[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Ports of a machine: those that are ``closed`` to every account, such as the panel's own, and those that are
    ``open`` to all, such as the edge's.
    """

    closed: Sequence[int] = ()
    open: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """A group with programs: a panel's tree (``ruled`` is None), or what its containers begin in, which an engine calls
    as ``shown``.
    """

    folder: Path
    ruled: bool | None = None
    shown: str = ""

    @property
    def kinds(self) -> Sequence[bpf.Kind]:
        return _KINDS if self.ruled is None else gate_words.REACHED


@dataclass(slots=True, kw_only=True)
class Gates:
    """The gates of one panel's tree. ``problem`` is why there are none, None where there are. All of it blocks."""

    panel_id: str
    accounts: Accounts
    ports: Ports
    problem: str | None = None
    _filled: dict[Path, tuple[int, Content]] = field(default_factory=dict)
    _builds: dict[int, frozenset[int]] = field(default_factory=dict)
    _kept_from: dict[int, set[int]] = field(default_factory=dict)
    _last: Content = field(default_factory=dict)
    _records: Sequence[ReleaseRecord] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, records: Sequence[ReleaseRecord]) -> None:
        """Makes what the kernel goes by what the records say. Where the machine does not allow it, ``problem`` says
        why.
        """
        with self._lock:
            self._records = tuple(records)
            content = self._last = self._content()
            try:
                folders = _folders(self.panel_id)
                for place in _places(self.panel_id):
                    self._fill(place, content)
            except OSError as error:
                self.problem = error.strerror or str(error)
            else:
                self.problem = None if folders else "there are no control groups of version 2"

    def stand(self) -> Path | None:
        """The group below which whatever begins is judged from its first moment; None where the machine allows none."""
        with self._lock:
            try:
                cgroups.discover(self.panel_id)
                folders = _folders(self.panel_id)
                for place in map(_Place, folders):
                    if not self._stands(place):
                        self._fill(place, self._last or self._content())
            except OSError as error:
                self.problem = error.strerror or str(error)
                return None
        return folders[0] if folders else None

    def contain(self, *, slices: bool, ruled: bool) -> str | None:
        """What an engine is to be told that containers begin in, with the kernel judging where they go from their first
        moment; None where it does not. An engine that has systemd make its groups is told of ``slices``. What is
        ``ruled`` reaches of this machine what is open to all only.
        """
        place = _place_of(self.panel_id, slices=slices, ruled=ruled)
        if self.accounts.home is None or place is None:
            return None
        with self._lock:
            try:
                place.folder.mkdir(parents=True, exist_ok=True)
                # The network that it is to be in may be new, and the machine's address there with it.
                self._last = {**(self._last or self._content()), "hw_here": _here()}
                for each in _places(self.panel_id):
                    self._fill(each, self._last)
            except OSError as error:
                self.problem = error.strerror or str(error)
                return None
        return place.shown

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
            try:
                for place in map(_Place, _folders(self.panel_id)):
                    self._fill(place, self._last)
            except OSError as error:
                self.problem = error.strerror or str(error)

    def kept_from(self, account: int) -> set[int]:
        """The ports that what builds under an account was kept from, since it began."""
        self.refused()
        with self._lock:
            return set(self._kept_from.get(account, ()))

    def clear(self) -> None:
        """Removes the groups of containers, where none is left in them."""
        folders = [each.folder / f"headway/{self.panel_id}/containers" for each in cgroups.all_mounts()]
        with self._lock:
            cgroups.remove(folders)
            for folder in folders:
                with contextlib.suppress(OSError):  # others are in it
                    folder.parent.rmdir()
            self._filled.clear()

    def refused(self) -> set[tuple[int, int]]:
        """The accounts that were kept from a port, with the port, since this was asked last."""
        found: set[tuple[int, int]] = set()
        with self._lock, contextlib.suppress(OSError):
            for place in map(_Place, _folders(self.panel_id)):
                with _closing(self._standing(place) or {}) as tables:
                    for key in list(tables["hw_refused"].keys()) if tables else ():
                        account, port = struct.unpack("=II", key)
                        found.add((account, port))
                        if account in self._builds:
                            self._kept_from.setdefault(account, set()).add(port)
                        with contextlib.suppress(FileNotFoundError):
                            tables["hw_refused"].drop(key)
        return found

    def _content(self) -> Content:
        made = _content(self._records, self.ports)
        for account, ports in self._builds.items():
            made["hw_accounts"].setdefault(_number(account), _number(Holds.RULED))
            made["hw_doors"].update({_pair(account, port): _number(1) for port in ports})
        return made

    def _stands(self, place: _Place) -> bool:
        with _closing(self._standing(place) or {}) as tables:
            return bool(tables)

    def _fill(self, place: _Place, content: Content) -> None:
        standing = self._standing(place)
        with _closing(self._set_up(place, content) if standing is None else standing) as tables:
            mark = tables["hw_owners"].number()
            if self._filled.get(place.folder) != (mark, content):
                for name, wanted in content.items():
                    if name in tables:  # of those that a program does not use it has none
                        tables[name].fill(wanted)
                self._filled[place.folder] = (mark, content)

    def _standing(self, place: _Place) -> Tables | None:
        """The tables of the programs that are attached; None where these are not all of this version's. Of two sets,
        which two processes made at once, one goes.
        """
        tables: Tables | None = None
        name = self._name(place)
        for kind in place.kinds:
            found = bpf.attached(place.folder, kind)
            try:
                ours = [each for each in found if bpf.name_of(each) == name]
                for extra in ours[1:]:
                    bpf.detach(place.folder, kind, extra)
                if not ours:
                    return None
                if kind == gate_words.CONNECT_4:
                    tables = bpf.tables_of(ours[0])
            finally:
                for each in found:
                    os.close(each)
        return tables

    def _set_up(self, place: _Place, content: Content) -> Tables:
        """A set of its own, in force before the one of another version is taken off."""
        tables = {
            name: bpf.make_table(name, key_bytes=key, value_bytes=value, entries=entries)
            for name, (key, value, entries) in gate_words.TABLES.items()
        }
        for name, wanted in content.items():
            tables[name].fill(wanted)
        name = self._name(place)
        for kind in place.kinds:
            old = [each for each in bpf.attached(place.folder, kind) if bpf.name_of(each).startswith(_PREFIX)]
            program = bpf.load(name, kind, self._code(place, kind, tables))
            bpf.attach(place.folder, kind, program)
            os.close(program)
            for each in old:
                bpf.detach(place.folder, kind, each)
                os.close(each)
        return tables

    def _code(self, place: _Place, kind: bpf.Kind, tables: Tables) -> bpf.Code:
        if place.ruled is not None:
            return gate_code.apart(self.accounts.home or 0, tables, kind, ruled=place.ruled)
        if kind == gate_words.CREATE:
            return gate_code.created(self.accounts)
        if kind in {gate_words.BOUND_4, gate_words.BOUND_6}:
            return gate_code.bound(self.accounts, tables)
        return gate_code.reached(self.accounts, tables, kind)

    def _name(self, place: _Place) -> str:
        text = b"".join(Path(each).read_bytes() for each in _CODE)
        return f"{_PREFIX}{hashlib.sha256(text + repr((self.accounts, place.ruled)).encode()).hexdigest()[:12]}"


def gates_of(panel_id: str, accounts: range | None, ports: Ports, outward: int | None = None) -> Gates | None:
    """The gates of a panel that gives applications accounts of their own; None where it does not. Who has the group
    ``outward`` reaches the internet only.
    """
    if accounts is None or os.geteuid() != 0:
        return None
    judged = Accounts(first=accounts.start, end=accounts.stop, outward=outward, home=_home())
    return Gates(panel_id=panel_id, accounts=judged, ports=ports)


def gates_problem(panel_id: str) -> str | None:
    """Why this machine allows no gates, None where it does; tried on a panel's groups, which the caller removes."""
    tried = Gates(panel_id=panel_id, accounts=Accounts(first=1, end=2), ports=Ports())
    tried.keep(())
    return tried.problem


def apart_problem(panel_id: str) -> str | None:
    """Why the kernel of this machine judges no containers, None where it does; tried as ``gates_problem`` is."""
    tried = Gates(panel_id=panel_id, accounts=Accounts(first=1, end=2, home=_home()), ports=Ports())
    if tried.accounts.home is None:
        return "the kernel tells networks not apart (Linux 5.14 does)"
    there = tried.contain(slices=False, ruled=True) is not None
    tried.clear()
    return None if there else tried.problem or "the control groups of version 2 are not seen from their root"


def _home() -> int | None:
    """What the kernel calls the network that this process is in; None before 5.14."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            found: int = struct.unpack("=Q", asked.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8))[0]
        except OSError:
            return None
    return found


def own_addresses() -> set[str]:
    """The addresses of this machine, as the kernel has them now."""
    found: set[str] = set()
    with contextlib.suppress(OSError):
        lines = (processes.PROC / "net/fib_trie").read_text().splitlines()
        found |= {above.split()[-1] for above, line in itertools.pairwise(lines) if "host LOCAL" in line}
    with contextlib.suppress(OSError):
        for line in (processes.PROC / "net/if_inet6").read_text().splitlines():
            digits = line.split()[0]
            found.add(":".join(digits[at : at + 4] for at in range(0, 32, 4)))
    return found


def _content(records: Sequence[ReleaseRecord], ports: Ports) -> Content:
    owners = {_number(port): _number(0) for port in ports.closed}
    accounts: dict[bytes, bytes] = {}
    doors = {_pair(0, port): _number(1) for port in ports.open}
    for each in records:
        if each.uid is None:
            continue
        owners.update({_number(port): _number(each.uid) for port in each.ports})
        if each.loopback is None:  # of an earlier version, or of one that nobody has said anything of
            accounts.setdefault(_number(each.uid), _number(Holds.OPEN))
        else:
            accounts[_number(each.uid)] = _number(Holds.RULED)
            doors.update({_pair(each.uid, port): _number(1) for port in each.loopback})
    return {"hw_owners": owners, "hw_accounts": accounts, "hw_doors": doors, "hw_here": _here()}


def _here() -> dict[bytes, bytes]:
    return {gate_code.address_key(address): _number(1) for address in own_addresses()}


def _places(panel_id: str) -> list[_Place]:
    """The panel's tree, and what its containers begin in."""
    engines = (_place_of(panel_id, slices=slices, ruled=ruled) for slices in (False, True) for ruled in (False, True))
    there = [each for each in engines if each is not None and each.folder.is_dir()]
    return [*map(_Place, _folders(panel_id)), *there]


def _place_of(panel_id: str, *, slices: bool, ruled: bool) -> _Place | None:
    """What containers begin in; an engine reads it from the root of the hierarchy."""
    mount = _unified()
    if mount is None or mount.root != "/":
        return None
    kind = "ruled" if ruled else "open"
    if not slices:
        shown = f"/headway/{panel_id}/containers/{kind}"
        return _Place(mount.folder / shown.lstrip("/"), ruled, shown)
    name = f"headway-{panel_id.replace('-', '_')}"  # a dash is a slice within another
    return _Place(
        mount.folder / "headway.slice" / f"{name}.slice" / f"{name}-{kind}.slice", ruled, f"{name}-{kind}.slice"
    )


def _unified() -> cgroups.Mount | None:
    return next((each for each in cgroups.all_mounts() if each.is_unified), None)


def _folders(panel_id: str) -> list[Path]:
    """The groups of all that the panel starts: where releases are, and where its runs are if that is another."""
    mount = _unified()
    if mount is None:
        return []
    own = mount.place(cgroups.parse_own_groups(cgroups.OWN_GROUPS.read_text()).get("", "/"))
    places = dict.fromkeys(each / "headway" / panel_id for each in (mount.folder, own, own.parent))
    return [each for each in places if each.is_dir()]


@contextlib.contextmanager
def _closing(tables: Tables) -> Iterator[Tables]:
    try:
        yield tables
    finally:
        for each in tables.values():
            each.close()


def _number(value: int) -> bytes:
    return struct.pack("=I", value)


def _pair(account: int, port: int) -> bytes:
    return struct.pack("=II", account, port)
