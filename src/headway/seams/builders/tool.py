"""Programs of others that know how to build, and that a host may not have."""

from __future__ import annotations

from headway.infra.hosts.work import Work
from headway.seams.builders.base import BuildError
from headway.seams.builders.listing import is_there


async def require(work: Work, program: str, installing: str) -> None:
    """Raises BuildError where the host does not have the program; ``installing`` says what to do about it."""
    if not await is_there(work.host, program):
        raise BuildError(f"The program {program} is not installed on this host (in /usr/local/bin). {installing}")
