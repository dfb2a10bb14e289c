"""What a program is told: it may have ended before, which is its answer and no error of ours."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process, create_subprocess_exec

import pytest
import uvloop

from headway.drivers.storages.queries import exchanged
from headway.infra.hosts.program_input import feed

RUNS = {"asyncio": asyncio.run, "uvloop": uvloop.run}
MANY = b"x" * (1 << 20)


async def begun(*argv: str) -> Process:
    return await create_subprocess_exec(*argv, stdin=PIPE, stdout=PIPE, stderr=PIPE)


@pytest.mark.parametrize("loop", RUNS)
@pytest.mark.parametrize("data", [b"", b"x", MANY], ids=len)
def test_a_program_that_ended_before_it_was_told_anything_has_its_say(loop: str, data: bytes) -> None:
    async def ask() -> tuple[bytes, bytes]:
        program = await begun("sh", "-c", "echo no such bucket >&2")
        await program.wait()
        return await exchanged(program, data)

    assert RUNS[loop](ask()) == (b"", b"no such bucket\n")


@pytest.mark.parametrize("loop", RUNS)
@pytest.mark.parametrize("data", [b"", MANY], ids=len)
def test_a_program_hears_all_of_it_and_then_the_end(loop: str, data: bytes) -> None:
    async def ask() -> tuple[bytes, bytes]:
        return await exchanged(await begun("wc", "-c"), data)

    assert RUNS[loop](ask()) == (b"%d\n" % len(data), b"")


@pytest.mark.parametrize("loop", RUNS)
def test_a_program_that_ends_in_the_midst_takes_no_more(loop: str) -> None:
    async def ask() -> int:
        program = await create_subprocess_exec("head", "-c", "1", stdin=PIPE, stdout=DEVNULL)
        await feed(program, MANY)
        return await program.wait()

    assert RUNS[loop](ask()) == 0
