"""Brings the loop that samples what is used on every host, and what callers may know of it."""

from __future__ import annotations

from collections.abc import Collection

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.engine.poller import Poller
from headway.drivers.runtimes.contract.machine import OwnMachine
from headway.drivers.runtimes.remote.machine import RemoteMachine
from headway.features.servers.links import ServerLink
from headway.features.servers.module import Servers
from headway.features.servers.store import servers_in_use
from headway.features.usage.sampler import SampledHost, UsageSampler
from headway.features.usage.series import UsageReader
from headway.kernel.dataclass import dataclass
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageOverTime:
    """What callers may ask."""

    reader: UsageReader
    module: Module


def install_usage(base: Base, servers: Servers) -> UsageOverTime:
    """Samples the panel's machine, and the servers on which something serves: there the runtime agent is at work."""
    here = SampledHost(
        host_id=LOCAL_HOST, machine=OwnMachine(), api=base.machine.docker, panel_id=base.data_dir.panel_id
    )

    async def reached() -> Collection[str]:
        linked = {server_id for server_id, host in servers.fleet.servers.items() if host.link is not None}
        return linked & {*await base.db.read(servers_in_use)} if linked else ()

    there = servers.links.of_link(_sampled)
    sampler = UsageSampler(db=base.db, clock=base.clock, here=here, there=there, reached=reached)
    module = Module(loops=(Poller("usage", sampler.keep_round),), released=(sampler,))
    return UsageOverTime(reader=UsageReader(db=base.db, clock=base.clock), module=module)


def _sampled(link: ServerLink) -> SampledHost:
    return SampledHost(
        host_id=link.host.host_id, machine=RemoteMachine(link.agent), api=link.api, panel_id=link.panel_id
    )
