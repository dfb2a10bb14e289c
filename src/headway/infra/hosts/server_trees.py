"""What a server allows: its control groups and namespaces, found out by trying."""

from __future__ import annotations

from pathlib import Path

from headway.infra.hosts.cgroups import Trees
from headway.infra.hosts.ssh_session import SshSession
from headway.infra.hosts.wire import pack
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTrees(Trees):
    """Those of a server, and whether a run has a namespace of processes there."""

    pid_namespaces: bool


async def prepared(
    session: SshSession, panel_id: str, program: str, *, use_cgroups: bool | None, use_pid_namespaces: bool | None
) -> ServerTrees:
    """Makes the folders and tries what works; what ``use_…`` says is taken as said. Raises HostUnreachable."""
    trees: dict[str, Path] = {}
    if use_cgroups is not False:
        _, *found = await session.ask("discover", panel_id)
        texts = [field.decode() for field in found]
        trees = {kind: Path(text) for kind, text in zip(texts[::2], texts[1::2], strict=True) if text}
        if use_cgroups and "unified" not in trees:
            raise HeadwayError(f"{session.target.place} has no control groups (version 2) that Headway may use.")
    namespaces = use_pid_namespaces
    if namespaces is None:
        _, *facts = await session.ask("probe", program, pack(["mode", "probe", "machine", session.machine]))
        namespaces = b"namespaces 1" in facts
    return ServerTrees(**trees, pid_namespaces=namespaces)
