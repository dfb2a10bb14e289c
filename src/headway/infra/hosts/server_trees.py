"""What a server allows: its control groups and namespaces, found out by trying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headway.infra.hosts.cgroups import CONTROLLERS
from headway.infra.hosts.ssh_session import SshSession
from headway.infra.hosts.wire import pack
from headway.kernel.errors import HeadwayError

_KINDS = ("unified", *CONTROLLERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTrees:
    """Our folders by kind, "" for what there is not, and the root of the v2 hierarchy under ``mount``."""

    folders_by_kind: Mapping[str, str]
    pid_namespaces: bool

    @property
    def roots(self) -> list[str]:
        """Our folder in each tree that there is."""
        return [folder for kind in _KINDS if (folder := self.folders_by_kind.get(kind, ""))]

    def run(self, name: str) -> dict[str, str]:
        """The folders of one run by kind, as an anchor wants them: "" for none."""
        return {kind: f"{there}/{name}" if (there := self.folders_by_kind.get(kind)) else "" for kind in _KINDS}

    def folders(self, name: str) -> list[str]:
        """The same, without those that there are not."""
        return [folder for folder in self.run(name).values() if folder]

    def path_below_root(self, name: str) -> str:
        """A run's path below the root of the v2 hierarchy, "" where there is none."""
        unified = self.folders_by_kind.get("unified")
        return f"{unified}/{name}".removeprefix(self.folders_by_kind["mount"]) if unified else ""


async def prepared(
    session: SshSession, panel_id: str, program: str, *, use_cgroups: bool | None, use_pid_namespaces: bool | None
) -> ServerTrees:
    """Makes the folders and tries what works; what ``use_…`` says is taken as said. Raises HostUnreachable."""
    trees: dict[str, str] = {}
    if use_cgroups is not False:
        _, *found = await session.ask("discover", panel_id)
        texts = [field.decode() for field in found]
        trees = dict(zip(texts[::2], texts[1::2], strict=True))
        if use_cgroups and not trees["unified"]:
            raise HeadwayError(f"{session.target.place} has no control groups (version 2) that Headway may use.")
    namespaces = use_pid_namespaces
    if namespaces is None:
        _, *facts = await session.ask("probe", program, pack(["mode", "probe", "machine", session.machine]))
        namespaces = b"namespaces 1" in facts
    return ServerTrees(folders_by_kind=trees, pid_namespaces=namespaces)
