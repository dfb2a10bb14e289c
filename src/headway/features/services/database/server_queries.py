"""Asks a database server outside of any run, on the panel's machine or on a server."""

from __future__ import annotations

import asyncio

from headway.drivers.dumps.base import Typed
from headway.infra.hosts import ssh_program
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.environment_transfer import ahead, taking
from headway.infra.hosts.privileges import as_other
from headway.infra.hosts.program_input import feed
from headway.infra.hosts.ssh import SshHost
from headway.infra.hosts.ssh_client import far_words
from headway.kernel.errors import HeadwayError

_SECONDS = 40.0


async def ask_beside(what: Typed) -> None:
    """Does what is typed outside of any run. Raises HeadwayError with its last line."""
    process = await asyncio.create_subprocess_exec(
        *as_other(what.argv, what.account),
        cwd="/",
        env=dict(what.env),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            (_, said), _ = await asyncio.gather(process.communicate(), feed(process, what.stdin))
    except TimeoutError as error:
        raise _too_slow(what) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise _refused(what, said.decode(errors="replace").strip().rpartition("\n")[2])


async def ask_there(far: SshHost, what: Typed, mark: str) -> None:
    """The same on a server, where it is found by its ``mark``. Raises HostUnreachable as well."""
    # Nothing of it is in an argument there, where everybody may read them: see ``handing``.
    words = far_words(far.target, taking(what.argv), mark=mark)
    try:
        async with asyncio.timeout(_SECONDS):
            asked = await ssh_program.begin(far.session, words)
            try:
                await asked.write(ahead(what.env) + what.stdin)
                asked.finish()
                complaint, status = await asked.complaint(_SECONDS), await asked.ended()
            finally:
                asked.close()
    except TimeoutError as error:
        raise _too_slow(what) from error
    if status is None:
        raise HostUnreachable(f"The connection to {far.target.place} was lost.")
    if status:
        raise _refused(what, complaint)


def _too_slow(what: Typed) -> HeadwayError:
    return HeadwayError(f"{what.argv[0]} did not end within {_SECONDS:.0f} s.")


def _refused(what: Typed, complaint: str) -> HeadwayError:
    return HeadwayError(f"{what.argv[0]}: {complaint or 'it did not say why'}")
