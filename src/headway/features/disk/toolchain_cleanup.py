"""Clears away languages and package managers that no release uses, and no build has used for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Mapping

from headway.drivers.buildplan.toolchains.store import Turns
from headway.features.disk import store
from headway.features.disk.model import Kind, Waste, longest_unused
from headway.features.disk.rounds import Round
from headway.infra.db.engine import Database
from headway.infra.hosts.base import FileFailed, Host, HostUnreachable
from headway.infra.hosts.measure import Folder, folders_in
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict
from headway.kernel.vault import Vault

log = logging.getLogger(__name__)

_LISTS = ".lists"
_RECENT_SECONDS = 7 * 86_400.0
_UNDER_WAY_SECONDS = 86_400.0  # what builds use is noted once in so long; and no run takes longer


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolchainCleaning:
    """``bound`` is what those together may hold on one host that no release uses, in bytes (0: any size); ``turns`` are
    those of whoever fetches, ``here`` is where they lie on the panel's machine.
    """

    db: Database
    vault: Vault
    turns: Turns
    bound: int
    here: str

    async def clean(self, round_: Round) -> AsyncIterator[Waste]:
        """What goes, each once it is out of the way: they are nobody's and everybody's, so that whoever cleans may take
        them. Raises HostUnreachable.
        """
        # What a server builds for the panel's machine is built with languages that lie where they do on that.
        for folder in dict.fromkeys((round_.there.places.toolchains, self.here)):
            async for each in self._cleaned(round_, folder):
                yield each

    async def _cleaned(self, round_: Round, folder: str) -> AsyncIterator[Waste]:
        host, now = round_.there.host, time.time()
        tops = await folders_in(host, folder)
        for name, each in {} if round_.dry else tops.items():
            if name.startswith(".") and name != _LISTS and now - each.used_at > _UNDER_WAY_SECONDS:
                await _removed(host, f"{folder}/{name}")  # half-made, by a run that is no more
        found: dict[str, Folder] = {}
        for tool in (name for name in tops if not name.startswith(".")):
            versions = await folders_in(host, f"{folder}/{tool}")
            found |= {f"{tool}/{version}": each for version, each in versions.items()}
        # Asked after the look: what a release uses has been there before it.
        used = await self.db.read(lambda tx: store.toolchains_on(tx, host.host_id, self.vault))
        for name, why in self._going({name: each for name, each in found.items() if name not in used}, now).items():
            tool, _, version = name.partition("/")
            gone = f"{folder}/.{tool}-{version}.gone"
            async with self.turns.of(host.host_id, tool, version):
                if not await self._set_aside(host, folder, name, gone, dry=round_.dry):
                    continue
            yield round_.waste(Kind.TOOLCHAIN, None, f"{tool} {version}", why, found[name].bytes)
            if not round_.dry:
                await _removed(host, gone)

    def _going(self, unused: Mapping[str, Folder], now: float) -> Mapping[str, str]:
        """Those that go, and why."""
        idle = {name: each for name, each in unused.items() if now - each.used_at > _UNDER_WAY_SECONDS}
        sizes = {name: (each.bytes, each.used_at) for name, each in unused.items()}
        beyond = f"those that no release uses are beyond HEADWAY_BUILD_CACHE ({self.bound >> 20} MiB)"
        whys = {name: beyond for name in longest_unused(sizes, self.bound) if name in idle}
        old = "no release uses it, and no build has for a week"
        return whys | {name: old for name, each in idle.items() if now - each.used_at > _RECENT_SECONDS}

    async def _set_aside(self, host: Host, folder: str, name: str, gone: str, *, dry: bool) -> bool:
        """Whether it is out of the way (``dry``: may go): not where a build has begun to use it since."""
        tool, _, version = name.partition("/")
        seen = (await folders_in(host, f"{folder}/{tool}")).get(version)
        if seen is None or time.time() - seen.used_at <= _UNDER_WAY_SECONDS:
            return False
        if not dry:
            try:
                await host.rename(f"{folder}/{name}", gone)
            except (Conflict, FileFailed) as error:
                log.debug("the toolchain %s stays for now: %s", name, error.message)
                return False
        return True


async def _removed(host: Host, path: str) -> None:
    try:
        await host.remove_tree(path)
    except (FileFailed, HostUnreachable) as error:  # the next round looks again
        log.info("%s", error.message)
