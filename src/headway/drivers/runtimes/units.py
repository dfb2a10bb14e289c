"""Asking systemd to start a unit that keeps one of the panel's daemons up."""

from __future__ import annotations

import asyncio

from headway.kernel.errors import Unavailable

_SECONDS = 60.0


class UnitBroken(Unavailable):
    """systemd does not start a unit."""


async def start(unit: str) -> None:
    """Returns when the unit runs; no error when it does already. Raises UnitBroken."""
    try:
        asked = await asyncio.create_subprocess_exec(
            "systemctl",
            "start",
            unit,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise UnitBroken(_told(unit, error.strerror or str(error))) from error
    try:
        async with asyncio.timeout(_SECONDS):
            _, said = await asked.communicate()
    except TimeoutError as error:
        asked.kill()
        await asked.wait()
        raise UnitBroken(_told(unit, f"no answer within {_SECONDS:.0f} s")) from error
    if asked.returncode:
        raise UnitBroken(_told(unit, " ".join(said.decode(errors="replace").split())))


def _told(unit: str, said: str) -> str:
    return f"systemd does not start {unit}: {said}. See: systemctl status {unit}; or unset HEADWAY_UNITS."
