"""The runtimes by name, and which of them an artifact is run by."""

from __future__ import annotations

from collections.abc import Mapping

from headway.drivers.runtimes.container.runtime import ContainerRuntime
from headway.drivers.runtimes.contract.runtime import Runtime
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.drivers.runtimes.swarm.runtime import SwarmRuntime
from headway.kernel.artifacts import Artifact, Bundle, Image

RUNTIMES: Mapping[str, type[Runtime]] = {
    "native": NativeRuntime,
    "container": ContainerRuntime,
    "swarm": SwarmRuntime,
}


def runtime_of(artifact: Artifact, *, over_machines: bool) -> str:
    """The name of the runtime of an artifact; images run on this machine, or by an orchestrator ``over_machines``."""
    match artifact:
        case Bundle():
            return "native"
        case Image():
            return "swarm" if over_machines else "container"
