"""The table of runtimes by the name that an application chooses."""

from __future__ import annotations

from collections.abc import Mapping

from headway.seams.runtimes.base import Runtime
from headway.seams.runtimes.container import ContainerRuntime
from headway.seams.runtimes.native import NativeRuntime

RUNTIMES: Mapping[str, type[Runtime]] = {"native": NativeRuntime, "container": ContainerRuntime}
