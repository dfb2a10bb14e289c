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
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headway.infra.hosts import cgroups
from headway.seams.runtimes import bpf, gate_code, processes
from headway.seams.runtimes.gate_code import Accounts, Holds
from headway.seams.runtimes.record import ReleaseRecord

_KINDS = (
    gate_code.CREATE,
    gate_code.BOUND_4,
    gate_code.BOUND_6,
    gate_code.CONNECT_4,
    gate_code.CONNECT_6,
    gate_code.SEND_4,
    gate_code.SEND_6,
)
_PREFIX = "hw_"
Tables = Mapping[str, bpf.Table]
Content = Mapping[str, dict[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Ports of a machine: those that are ``closed`` to every account, such as the panel's own, and those that are
    ``open`` to all, such as the edge's.
    """

    closed: Sequence[int] = ()
    open: Sequence[int] = ()


@dataclass(slots=True, kw_only=True)
class Gates:
    """The gates of one panel's tree. ``problem`` is why there are none, None where there are. All of it blocks."""

    panel_id: str
    accounts: Accounts
    ports: Ports
    problem: str | None = None
    _filled: dict[Path, tuple[int, Content]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, records: Sequence[ReleaseRecord]) -> None:
        """Makes what the kernel goes by what the records say. Where the machine does not allow it, ``problem`` says
        why.
        """
        with self._lock:
            content = _content(records, self.ports)
            try:
                folders = _folders(self.panel_id)
                for folder in folders:
                    self._fill(folder, content)
            except OSError as error:
                self.problem = error.strerror or str(error)
            else:
                self.problem = None if folders else "there are no control groups of version 2"

    def refused(self) -> set[tuple[int, int]]:
        """The accounts that were kept from a port, with the port, since this was asked last."""
        found: set[tuple[int, int]] = set()
        with self._lock, contextlib.suppress(OSError):
            for folder in _folders(self.panel_id):
                with _closing(self._standing(folder) or {}) as tables:
                    for key in list(tables["hw_refused"].keys()) if tables else ():
                        found.add(struct.unpack("=II", key))
                        with contextlib.suppress(FileNotFoundError):
                            tables["hw_refused"].drop(key)
        return found

    def _fill(self, folder: Path, content: Content) -> None:
        standing = self._standing(folder)
        with _closing(self._set_up(folder, content) if standing is None else standing) as tables:
            mark = tables["hw_owners"].number()
            if self._filled.get(folder) != (mark, content):
                for name, wanted in content.items():
                    tables[name].fill(wanted)
                self._filled[folder] = (mark, content)

    def _standing(self, folder: Path) -> Tables | None:
        """The tables of the programs that are attached; None where these are not all of this version's. Of two sets,
        which two processes made at once, one goes.
        """
        tables: Tables | None = None
        for kind in _KINDS:
            found = bpf.attached(folder, kind)
            try:
                ours = [each for each in found if bpf.name_of(each) == self._name]
                for extra in ours[1:]:
                    bpf.detach(folder, kind, extra)
                if not ours:
                    return None
                if kind == gate_code.CONNECT_4:
                    tables = bpf.tables_of(ours[0])
            finally:
                for each in found:
                    os.close(each)
        return tables

    def _set_up(self, folder: Path, content: Content) -> Tables:
        """A set of its own, in force before the one of another version is taken off."""
        tables = {
            name: bpf.make_table(name, key_bytes=key, value_bytes=value, entries=entries)
            for name, (key, value, entries) in gate_code.TABLES.items()
        }
        for name, wanted in content.items():
            tables[name].fill(wanted)
        for kind in _KINDS:
            old = [each for each in bpf.attached(folder, kind) if bpf.name_of(each).startswith(_PREFIX)]
            program = bpf.load(self._name, kind, self._code(kind, tables))
            bpf.attach(folder, kind, program)
            os.close(program)
            for each in old:
                bpf.detach(folder, kind, each)
                os.close(each)
        return tables

    def _code(self, kind: bpf.Kind, tables: Tables) -> bpf.Code:
        if kind == gate_code.CREATE:
            return gate_code.created(self.accounts)
        if kind in {gate_code.BOUND_4, gate_code.BOUND_6}:
            return gate_code.bound(self.accounts, tables)
        return gate_code.reached(self.accounts, tables, kind)

    @property
    def _name(self) -> str:
        text = Path(gate_code.__file__).read_bytes() + repr(self.accounts).encode()
        return f"{_PREFIX}{hashlib.sha256(text).hexdigest()[:12]}"


def gates_of(panel_id: str, accounts: range | None, ports: Ports) -> Gates | None:
    """The gates of a panel that gives applications accounts of their own; None where it does not."""
    if accounts is None or os.geteuid() != 0:
        return None
    return Gates(panel_id=panel_id, accounts=Accounts(first=accounts.start, end=accounts.stop), ports=ports)


def gates_problem(panel_id: str) -> str | None:
    """Why this machine allows no gates, None where it does; tried on a panel's groups, which the caller removes."""
    tried = Gates(panel_id=panel_id, accounts=Accounts(first=1, end=2), ports=Ports())
    tried.keep(())
    return tried.problem


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
    here = {gate_code.address_key(address): _number(1) for address in own_addresses()}
    return {"hw_owners": owners, "hw_accounts": accounts, "hw_doors": doors, "hw_here": here}


def _folders(panel_id: str) -> list[Path]:
    """The groups of all that the panel starts: where releases are, and where its runs are if that is another."""
    mount = next((each for each in cgroups.parse_mounts(cgroups.MOUNTINFO.read_text()) if each.is_unified), None)
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
