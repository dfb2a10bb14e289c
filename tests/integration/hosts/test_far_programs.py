"""What speaks to a database on a server is started there over SSH: its environment goes ahead of what it reads, and is
in no argument on either side.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from headway.drivers.dumps.base import Engine, Server, Typed, Whole
from headway.features.backups.database.servers import ReachedDatabase
from headway.features.services.application.remote_stage import RemoteStage, lay_out, mark_of
from headway.infra.hosts.ssh import SshHost
from tests.support.machines.local_hosts import local_host
from tests.support.machines.ssh_servers import SSHD, ssh_host, ssh_server

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(SSHD is None or os.geteuid() != 0, reason="needs root and an sshd"),
]
SECRET = "s3cret 'of' \"the\" $shop\n"
TELLS = """\
import json, os, sys
said = {"env": dict(os.environ), "read": sys.stdin.read()}
of_all = [open(f"/proc/{pid}/cmdline").read() for pid in (os.getpid(), os.getppid())]
print(json.dumps({**said, "argv": "".join(of_all)}))
"""


@pytest.fixture
async def far(tmp_path: Path) -> AsyncIterator[tuple[SshHost, ReachedDatabase]]:
    with ssh_server(tmp_path / "server") as server:
        async with ssh_host(server) as host, local_host(tmp_path / "here") as here:
            files = tmp_path / "files"
            files.mkdir()
            await lay_out(here, host, str(files), reads=True)
            known = Server(engine=Engine.POSTGRES, container="c")
            yield host, ReachedDatabase(server=known, far=RemoteStage(host=host, files=str(files), mark=mark_of("d1")))


async def ended(what: Typed, more: bytes = b"") -> tuple[int, str, str]:
    """The status of what is typed, and what it wrote."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*what.argv, env=dict(what.env), stdin=pipe, stdout=pipe, stderr=pipe)
    out, complaint = await process.communicate(what.stdin + more)
    return process.returncode or 0, out.decode(), complaint.decode()


@pytest.mark.parametrize("env", [{}, {"PGPASSWORD": SECRET, "EMPTY": "", "größe": "ü"}])
async def test_a_program_there_has_what_it_is_given(
    far: tuple[SshHost, ReachedDatabase], env: Mapping[str, str]
) -> None:
    _, reached = far
    typed = reached.typed(Typed(argv=("python3", "-c", TELLS, "a b", "$c'"), env=env, stdin=b"SELECT 1;\n\0"))
    status, out, complaint = await ended(typed)
    assert (status, complaint) == (0, "")
    told = json.loads(out)
    assert env.items() <= told["env"].items()
    assert (told["env"]["HEADWAY_INSIDE"], told["read"]) == ("d1", "SELECT 1;\n\0")
    assert "a b\0$c'\0" in told["argv"]
    assert SECRET not in told["argv"] + "".join(typed.argv) + "".join(typed.env.values())


async def test_what_reads_a_dump_reads_it_after_its_environment(far: tuple[SshHost, ReachedDatabase]) -> None:
    _, reached = far
    whole = reached.read_by(Whole(programs=(("python3", "-c", TELLS),), env={"PGPASSWORD": SECRET}))
    (argv,) = whole.programs
    _, out, _ = await ended(Typed(argv=argv, env=whole.env, stdin=whole.ahead), b"the dump")
    told = json.loads(out)
    assert (told["env"]["PGPASSWORD"], told["read"], whole.place) == (SECRET, "the dump", "test server")


async def test_a_program_that_is_not_there_is_named(far: tuple[SshHost, ReachedDatabase]) -> None:
    _, reached = far
    status, _, complaint = await ended(reached.typed(Typed(argv=("no-such-docker", "exec"))))
    assert (status, complaint) == (
        127,
        "There is no program no-such-docker on the server (No such file or directory).\n",
    )


async def test_what_goes_on_there_is_ended_by_its_mark(far: tuple[SshHost, ReachedDatabase]) -> None:
    host, reached = far
    typed = reached.typed(Typed(argv=("sh", "-c", "setsid sleep 8417 & echo begun; wait")))
    process = await asyncio.create_subprocess_exec(
        *typed.argv, env=dict(typed.env), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(typed.stdin)
    assert await process.stdout.readline() == b"begun\n"
    process.kill()
    await process.wait()
    await host.end_marked(mark_of("d1"))
    living = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [each for each in living if b"sleep\x008417" in each]
