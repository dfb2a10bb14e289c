"""Asks a database server outside of any run."""

from __future__ import annotations

import asyncio

from headway.kernel.errors import HeadwayError
from headway.seams.dumps.base import Typed

_SECONDS = 40.0


async def ask_beside(what: Typed) -> None:
    """Does what is typed outside of any run. Raises HeadwayError with its last line."""
    process = await asyncio.create_subprocess_exec(
        *what.argv,
        env=dict(what.env),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            _, said = await process.communicate(what.stdin)
    except TimeoutError as error:
        raise HeadwayError(f"{what.argv[0]} did not end within {_SECONDS:.0f} s.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = said.decode(errors="replace").splitlines() or ["it did not say why"]
        raise HeadwayError(f"{what.argv[0]}: {lines[-1]}")
