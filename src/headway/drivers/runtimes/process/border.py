"""The border between applications of one machine as the native runtime keeps it: gates, and what was refused at them,
said where the application's people read it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Collection, Sequence
from dataclasses import field, replace

from headway.drivers.runtimes.gates.instructions import CLOUD
from headway.drivers.runtimes.gates.panel_gates import Gates
from headway.drivers.runtimes.gates.table_content import Ports
from headway.drivers.runtimes.process import app_logs
from headway.drivers.runtimes.process.programs import Layout
from headway.drivers.runtimes.process.record import ReleaseRecord
from headway.drivers.runtimes.process.records import Records
from headway.infra.hosts.private_file import make_folder, write_privately
from headway.kernel.dataclass import dataclass

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Border:
    """All of it blocks for some milliseconds, and does nothing without ``gates``."""

    layout: Layout
    records: Records
    gates: Gates | None
    _refused: dict[int, set[int]] = field(default_factory=dict)
    _always_closed: Sequence[int] = ()
    _closing: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.gates is not None:  # whoever is first to need them
            self.gates.go_by(self.records.all)
            self._always_closed = tuple(self.gates.ports.closed)
            self.gates.ports = self._with(self._closed())

    def stand(self) -> None:
        """Makes the gates where there are none, as after a start of the machine."""
        if self.gates is not None:
            self.gates.stand()

    def keep(self) -> None:
        """Makes the gates what the records say."""
        if self.gates is not None:
            before = self.gates.problem
            self.gates.keep(self.records.all())
            if self.gates.problem not in {None, before}:
                log.warning("applications are not kept from each other's ports: %s", self.gates.problem)

    def close(self, ports: Collection[int]) -> None:
        """Keeps every application from these ports as well, which lead to something else; also by whatever starts
        applications without a panel.
        """
        if self.gates is None:
            return
        with self._closing:  # deploys do this side by side, and the panel's rounds
            if sorted(ports) != self._closed():
                make_folder(self.layout.root, 0o711)
                write_privately(self.layout.closed_ports, json.dumps(sorted(ports)))
            wanted = self._with(ports)
            if wanted != self.gates.ports:
                self.gates.ports = wanted
                self.keep()

    def watch(self) -> None:
        """The same, and writes what was refused into the applications' logs."""
        self.keep()
        self._note_refused()

    def _note_refused(self) -> None:
        """Writes it into the logs, once for each port."""
        if self.gates is None:
            return
        for uid, port in sorted(self.gates.refused()):
            if port not in self._refused.setdefault(uid, set()):
                self._refused[uid].add(port)
                for each in self.records.all():
                    if each.uid == uid:
                        app_logs.write(self.layout, each, self._sentence(each, port))

    def forget(self, uid: int | None) -> None:
        """What was refused to an account before is over: it starts anew."""
        if uid is not None:
            self._refused.pop(uid, None)

    def said(self, release_id: str) -> list[str]:
        """What was refused to a release's account since it started anew, in sentences."""
        self._note_refused()
        found = next((each for each in self.records.all() if each.release_id == release_id), None)
        ports = () if found is None or found.uid is None else sorted(self._refused.get(found.uid, ()))
        return [self._sentence(found, port) for port in ports if found is not None]

    def _with(self, ports: Collection[int]) -> Ports:
        assert self.gates is not None  # noqa: S101 - who asks has looked
        return replace(self.gates.ports, closed=(*self._always_closed, *sorted(ports)))

    def _closed(self) -> list[int]:
        """Those that were closed last, by whatever process."""
        with contextlib.suppress(OSError, ValueError):
            return [int(each) for each in json.loads(self.layout.closed_ports.read_text())]
        return []

    def _sentence(self, release: ReleaseRecord, port: int) -> str:
        if port in self._others(release):
            return f"{_refused(port)} It is another application's or the panel's; reach it by its address at the edge."
        return kept_from(port, release.loopback or ())

    def _others(self, release: ReleaseRecord) -> set[int]:
        closed: Sequence[int] = () if self.gates is None else self.gates.ports.closed
        return {*closed, *(port for each in self.records.all() if each.uid != release.uid for port in each.ports)}


def kept_from(port: int, opened: Sequence[int]) -> str:
    """What is said of a port that was refused, and how it is opened beside those that are."""
    if port >= CLOUD:
        return (
            f"headway: a connection to port {port - CLOUD} of the address at which a cloud tells a machine's own "
            "secrets was refused. No application may go there; give it what it needs as variables."
        )
    wanted = " ".join(f"--loopback {each}" for each in sorted({*opened, port}))
    return f"{_refused(port)} Whoever may use the machine opens it: 'headway apps set APP {wanted}' and a deploy."


def _refused(port: int) -> str:
    return f"headway: a connection to port {port} of this machine was refused."
