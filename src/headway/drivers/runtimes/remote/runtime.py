"""A runtime of a server, asked over the link: fits the contract as those of this machine do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from headway.drivers.runtimes.contract.inner_places import Inside
from headway.drivers.runtimes.contract.runtime import Behind, Health, Piece, ReleaseStatus
from headway.drivers.runtimes.remote.client import RuntimeAgentClient
from headway.infra.hosts.clocks import as_there
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Artifact, Bundle, ReleaseSpec
from headway.kernel.dataclass import dataclass

_BEYOND_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRuntime:
    """The runtime called ``name`` of a server. Everything raises HostUnreachable beside what the contract says."""

    agent: RuntimeAgentClient
    name: str

    async def ensure(self) -> None:
        """See the contract."""
        await self._call("ensure")

    async def watch(self) -> None:
        """See the contract."""
        await self._call("watch")

    async def prepare(self, work: Work, spec: ReleaseSpec) -> None:
        """See the contract."""
        if isinstance(spec.artifact, Bundle) and spec.artifact.static_root is not None:
            await self.agent.provide("caddy", self.agent.setting.site)
        async with work.fence():
            await self._call("prepare", say=work.say, mask=_masked_of(spec, work), spec=spec)

    async def start(self, work: Work, spec: ReleaseSpec) -> None:
        """See the contract."""
        async with work.fence():
            await self._call("start", say=work.say, mask=_masked_of(spec, work), spec=spec)

    async def healthy(self, work: Work, spec: ReleaseSpec) -> Health:
        """See the contract."""
        seconds = spec.health.deadline_seconds + spec.health.settle_seconds + _BEYOND_SECONDS
        mask = _masked_of(spec, work)
        found: Health = await self._call("healthy", say=work.say, mask=mask, seconds=seconds, spec=spec)
        return found

    async def stop(self, release_id: str, *, drain_seconds: float = 0.0) -> None:
        """See the contract."""
        seconds = drain_seconds + _BEYOND_SECONDS
        await self._call("stop", seconds=seconds, release_id=release_id, drain_seconds=float(drain_seconds))

    async def start_again(self, release_id: str) -> None:
        """See the contract."""
        await self._call("start_again", release_id=release_id)

    async def remove(self, release_id: str) -> None:
        """See the contract."""
        await self._call("remove", release_id=release_id)

    async def missing(self, artifact: Artifact) -> str | None:
        """See the contract."""
        found: str | None = await self._call("missing", artifact=artifact)
        return found

    async def keep(self, artifact: Artifact, app_name: str, release_id: str) -> Artifact:
        """See the contract."""
        kept: Artifact = await self._call("keep", artifact=artifact, app_name=app_name, release_id=release_id)
        return kept

    async def discard(self, release_id: str) -> None:
        """See the contract."""
        await self._call("discard", release_id=release_id)

    async def status(self, release_id: str) -> ReleaseStatus:
        """See the contract."""
        found: ReleaseStatus = await self._call("status", release_id=release_id)
        return found

    async def running(self) -> set[str]:
        """See the contract."""
        found: set[str] = await self._call("running")
        return found

    async def known(self) -> set[str]:
        """See the contract."""
        found: set[str] = await self._call("known")
        return found

    async def crashed(self, release_id: str) -> bool:
        """See the contract."""
        found: bool = await self._call("crashed", release_id=release_id)
        return found

    async def usurped(self) -> set[str]:
        """See the contract."""
        found: set[str] = await self._call("usurped")
        return found

    async def variables(self, release_id: str) -> Mapping[str, str]:
        """See the contract."""
        found: Mapping[str, str] = await self._call("variables", release_id=release_id)
        return found

    async def inside(self, release_id: str) -> Inside:
        """See the contract."""
        found: Inside = await self._call("inside", release_id=release_id)
        return found

    async def read_logs(
        self,
        app_name: str,
        *,
        release_id: str | None = None,
        tail: int = 200,
        masked: Callable[[str], str] = lambda text: text,
    ) -> str:
        """See the contract."""
        known = {} if release_id is None else await self.variables(release_id)
        mask = [value for value in known.values() if masked(value) != value]
        lines: str = await self._call("read_logs", mask=mask, app_name=app_name, release_id=release_id, tail=tail)
        return masked(lines)

    async def pieces(self, release_id: str, behind: Behind, masked: Callable[[str], str]) -> list[Piece]:
        """See the contract."""
        known = await self.variables(release_id)
        mask = [value for value in known.values() if masked(value) != value]
        behind = replace(behind, since=await as_there(self.agent.host, behind.since))
        found: list[Piece] = await self._call("pieces", mask=mask, release_id=release_id, behind=behind)
        return [replace(each, text=masked(each.text)) for each in found]

    async def forget(self, application_id: str, app_name: str) -> None:
        """See the contract."""
        await self._call("forget", application_id=application_id, app_name=app_name)

    async def remove_volumes(self, application_id: str) -> None:
        """See the contract."""
        await self._call("remove_volumes", application_id=application_id)

    async def _call(self, method: str, **given: Any) -> Any:  # noqa: ANN401 - as the contract says
        return await self.agent.call(self.name, method, **given)


def _masked_of(spec: ReleaseSpec, work: Work) -> list[str]:
    """Those of the release's variables that must not show, as the run's own masker tells them: what is written there is
    masked before it is cut, and once more here.
    """
    values = {each.reveal() for each in spec.env.values()}
    return sorted(value for value in values if work.masked(value) != value)
