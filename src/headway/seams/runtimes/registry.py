"""The runtimes by name, and which of them an artifact is run by."""

from __future__ import annotations

from collections.abc import Mapping

from headway.kernel.artifacts import Artifact, Bundle, Image
from headway.seams.runtimes.base import Runtime
from headway.seams.runtimes.container import ContainerRuntime
from headway.seams.runtimes.native import NativeRuntime

RUNTIMES: Mapping[str, type[Runtime]] = {"native": NativeRuntime, "container": ContainerRuntime}

RUNTIME_OF: Mapping[type[Artifact], str] = {Bundle: "native", Image: "container"}
