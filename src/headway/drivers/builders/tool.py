"""Programs of others that know how to build, and that a host may not have."""

from __future__ import annotations

from headway.drivers.builders.base import BuildError
from headway.drivers.builders.inspection import is_there
from headway.infra.hosts.work import Work


async def require(work: Work, program: str, installing: str) -> None:
    """Raises BuildError where the host does not have the program; ``installing`` says what to do about it."""
    if not await is_there(work.host, program):
        raise BuildError(f"The program {program} is not installed on this host (in /usr/local/bin). {installing}")
