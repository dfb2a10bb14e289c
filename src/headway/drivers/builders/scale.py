"""How often each process of an application runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from headway.drivers.builders.base import BuildError
from headway.kernel.artifacts import Process


def scaled(processes: Sequence[Process], scale: Mapping[str, int]) -> tuple[Process, ...]:
    """The processes, as often as each is to run; one that is to run not at all is left out. Raises BuildError for one
    that there is not; where there is none at all, a site is served.
    """
    known = [process.name for process in processes]
    unknown = next((name for name in scale if name not in known), None)
    if unknown is not None and not known:
        raise BuildError(f"There is no process '{unknown}' to scale: a static site is served by one file server.")
    if unknown is not None:
        raise BuildError(f"There is no process '{unknown}' to scale. This application has: {', '.join(known)}.")
    times = (replace(process, scale=scale.get(process.name, 1)) for process in processes)
    return tuple(process for process in times if process.scale)
