"""The runtimes by name, and which of them an artifact is run by."""

from __future__ import annotations

from collections.abc import Mapping

from headway.kernel.artifacts import Artifact, Bundle, Image
from headway.seams.runtimes.base import Runtime
from headway.seams.runtimes.container import ContainerRuntime
from headway.seams.runtimes.native import NativeRuntime
from headway.seams.runtimes.swarm.runtime import SwarmRuntime

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
