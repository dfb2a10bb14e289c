"""What every feature may use, and what one brings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from typing import TypeAlias

from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import SubjectType
from headway.core.deployments.retention import Keep
from headway.core.deployments.run import Kind, Subject
from headway.core.deployments.service import LogFiles
from headway.core.engine.engine import Engine, Releasing
from headway.core.engine.parts import Places
from headway.core.engine.poller import Poller
from headway.core.engine.scheduler.scheduler import TimerSource
from headway.core.engine.scheduler.timers import Timers
from headway.drivers.panel_machine import PanelMachine
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Host
from headway.infra.logs.broadcast import Broadcast
from headway.infra.panel.data_dir import DataDir
from headway.kernel.clock import Clock
from headway.kernel.dataclass import dataclass
from headway.kernel.events import Events
from headway.kernel.settings import Settings
from headway.kernel.vault import Vault

KeepsOf: TypeAlias = Callable[[Tx, str, Keep], Keep]
NeededOf: TypeAlias = Callable[[Tx, Collection[str]], Collection[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What every feature may use. ``machine`` is the panel's own; ``untracked_runs`` are the runs under way that belong
    to no deployment, which the engine is not to end.
    """

    settings: Settings
    data_dir: DataDir
    db: SqlDatabase
    events: Events
    clock: Clock
    machine: PanelMachine
    logs: LogFiles
    broadcast: Broadcast
    timers: Timers
    ledger: Ledger
    engine: Engine
    untracked_runs: set[str]

    @property
    def vault(self) -> Vault:
        """What seals secrets at rest."""
        return self.data_dir.vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """What one feature brings. ``kinds`` are how its deployments are performed, each with its undos by name,
    ``subjects`` what they belong to, ``timers`` what due times ask for, ``loops`` what goes on beside, and ``released``
    what is let go of after those. ``keeps`` says how many deployments of a subject are kept, ``needs`` which of some
    something still goes by. ``hosts`` are where deployments run, and ``places`` where they write there beside Headway's
    own folders.
    """

    kinds: Sequence[Kind] = ()
    subjects: Mapping[SubjectType, Subject] = field(default_factory=dict)
    timers: Mapping[SubjectType, TimerSource] = field(default_factory=dict)
    loops: Sequence[Poller] = ()
    released: Sequence[Releasing] = ()
    keeps: Mapping[SubjectType, KeepsOf] = field(default_factory=dict)
    needs: Sequence[NeededOf] = ()
    hosts: Mapping[str, Host] | None = None
    places: Places | None = None
