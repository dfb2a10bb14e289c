"""What a run puts out arrives whole, bounded, in order, and at offsets that stay true."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from headway.infra.hosts.anchor import program
from headway.infra.hosts.anchor_client import LinkedAnchor
from headway.infra.hosts.base import EpochPassed, Exit
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.local import LocalHost
from tests.support.machines.local_hosts import BUILD, PATH, local_host, output, run, shell, until

MEGABYTE = 1 << 20


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[LocalHost]:
    async with local_host(tmp_path) as host:
        yield host


async def ended(anchor: LinkedAnchor, name: str, command: Command) -> Exit:
    await anchor.start(name, command)
    return await anchor.wait(name)


def resident(anchor: LinkedAnchor) -> int:
    """Kilobytes of memory that the anchor holds."""
    lines = Path(f"/proc/{anchor.handle.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


async def test_any_byte_passes(host: LocalHost) -> None:
    anchor = await run(host)
    data = bytes(range(256)) * 300
    assert (await ended(anchor, "build", Command(stages=(Stage(argv=("/bin/cat",)),), stdin=data))).succeeded
    assert await anchor.read(0, MEGABYTE) == data + b"\0\n"  # which marks that the line was cut off


async def test_standard_input_of_any_size_arrives_and_need_not_be_read(host: LocalHost) -> None:
    anchor = await run(host)
    data = b"x" * 5_000_000
    assert (await ended(anchor, "count", shell("wc -c", stdin=data))).succeeded
    assert (await ended(anchor, "ignore", shell("echo done", stdin=data))).succeeded
    assert await output(anchor) == "5000000\ndone\n"


async def test_without_data_standard_input_is_empty(host: LocalHost) -> None:
    anchor = await run(host)
    assert (await ended(anchor, "read", shell("cat; readlink /proc/self/fd/0"))).succeeded
    assert await output(anchor) == "/dev/null\n"


@pytest.mark.root
async def test_an_account_may_open_its_standard_streams_again(host: LocalHost) -> None:
    anchor = await run(host)
    line = "echo one > /dev/stderr; echo two > /dev/stdout; echo three > /proc/self/fd/1; cat /dev/stdin"
    stages = tuple(Stage(argv=("/bin/sh", "-c", text), account=BUILD) for text in (line, "cat /dev/stdin", "cat"))
    assert await ended(anchor, "build", Command(stages=stages, env={"PATH": PATH}, stdin=b"four\n")) == Exit(
        statuses=(0, 0, 0)
    )
    assert sorted((await output(anchor)).split()) == ["four", "one", "three", "two"]


@pytest.mark.root
async def test_an_account_cannot_read_or_truncate_what_the_run_put_out(host: LocalHost) -> None:
    anchor = await run(host)
    await anchor.say("1", "before")
    spool = Path(anchor.handle.run_folder) / "spool"
    assert spool.stat().st_mode & 0o777 == 0o600
    assert spool.parent.stat().st_mode & 0o777 == 0o700
    await ended(
        anchor, "build", shell(f": > /dev/stdout; cat {spool} || head -c 1 < /dev/stdout || echo neither", BUILD)
    )
    said = await output(anchor)
    assert said.startswith("before\n")
    assert said.endswith("neither\n")


async def test_a_captured_answer_keeps_its_first_megabyte_and_its_errors_go_to_the_log(host: LocalHost) -> None:
    anchor = await run(host)
    result = await ended(anchor, "ask", shell("echo oops >&2; head -c 3000000 /dev/zero", capture=True))
    assert (len(result.output), result.succeeded) == (MEGABYTE, True)
    assert await output(anchor) == "oops\n"


async def test_a_line_of_our_own_never_stands_within_one_of_a_command(host: LocalHost) -> None:
    anchor = await run(host)
    await anchor.start("build", shell("printf begun; sleep 1000"))
    await anchor.changed(0)
    await anchor.say("1", "ours")
    await anchor.say("2", "again")
    assert await output(anchor) == "begun\0\nours\nagain\n"


async def test_each_growth_is_told_within_hundredths_of_a_second(host: LocalHost) -> None:
    anchor = await run(host)
    await anchor.start("build", shell("for i in 1 2 3 4 5; do date +%s.%N; sleep 0.1; done"))
    lags, seen = [], b""
    for _ in range(5):
        await anchor.changed(len(seen))
        new = await anchor.read(len(seen), 1000)
        lags.append(time.time() - float(new.split()[-1]))
        seen += new
    print("lag of the first notice, ms:", [round(lag * 1000, 1) for lag in lags])
    assert min(lags) < 0.05


async def test_an_anchor_of_an_earlier_release_tells_of_growth_unasked(host: LocalHost) -> None:
    older = (
        program()
        .replace(b"    grown => \\&await_growth,\n", b"")
        .replace(b"{hears_size} = !$asks;", b"{hears_size} = 1;")
    )
    assert older.count(b"grown") == 0
    host._program.write_bytes(older)
    anchor = await run(host)
    await anchor.start("build", shell("echo x; sleep 0.1; echo y; sleep 1000"))
    async with asyncio.timeout(10):
        await anchor.changed(0)
        await anchor.changed(2)
    assert await output(anchor) == "x\ny\n"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await anchor.changed(4)
    await host.raise_epoch(anchor.handle.deployment_id, 2)
    with pytest.raises(EpochPassed):
        await anchor.changed(0)


async def test_a_bounded_run_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    cap = 64 << 10
    async with local_host(tmp_path, spool_cap_bytes=cap) as host:
        anchor = await run(host)
        assert (await ended(anchor, "build", shell("seq 1 200000"))).succeeded
        said = await output(anchor)
        whole = "".join(f"{number}\n" for number in range(1, 200001))
        head, mark, rest = said.partition("[headway: this run has put out more than is kept")
        assert mark
        assert whole.startswith(head)
        assert head.endswith("\n"), "a line was cut"
        assert cap // 2 - cap // 16 <= len(head) <= cap // 2
        left_out, _, tail = rest.partition(" bytes are left out here]\n")
        assert whole.endswith(f"\n{tail}"), "a line was cut"
        assert cap // 8 < len(tail) <= cap // 2 + cap // 16
        assert len(head) + int(left_out.split()[-1]) + len(tail) == len(whole)
        assert len(said) <= cap + 1000


@pytest.mark.parametrize("pause", ["", "sleep 0.005"], ids=["at once", "bit by bit"])
async def test_a_bounded_run_is_not_cut_within_a_dump_of_several_lines(tmp_path: Path, pause: str) -> None:
    line = "printf 'key: '; head -c 3000 /dev/zero | base64"
    async with local_host(tmp_path, spool_cap_bytes=256 << 10) as host:
        anchor = await run(host)
        assert (
            await ended(anchor, "build", shell(f"for i in $(seq 1 150); do {line}; {pause or ':'}; done"))
        ).succeeded
        said = await output(anchor)
    head, _, rest = said.partition("[headway: this run")
    tail = rest.partition(" are left out here]\n")[2]
    dump = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True).stdout.decode()
    assert head == dump * head.count("key: ")
    assert tail == dump * tail.count("key: ")
    assert min(head.count("key: "), tail.count("key: ")) > 5


async def test_after_a_bounded_command_the_next_ones_are_still_seen(tmp_path: Path) -> None:
    cap = 64 << 10
    async with local_host(tmp_path, spool_cap_bytes=cap) as host:
        anchor = await run(host)
        for name in ("one", "two", "three"):
            await anchor.say(name, f"Beginning {name}")
            await ended(anchor, name, shell(f"seq 1 100000; echo end of {name}"))
        said = await output(anchor)
        assert [line for line in said.splitlines() if "nd of" in line or "Beginning" in line] == [
            "Beginning one",
            "end of one",
            "Beginning two",
            "end of two",
            "Beginning three",
            "end of three",
        ]
        assert len(said) < cap * 1.3


async def test_what_was_read_stays_where_it_was(tmp_path: Path) -> None:
    async with local_host(tmp_path, spool_cap_bytes=32 << 10) as host:
        anchor = await run(host)
        await anchor.start("build", shell("seq 1 30000"))
        seen = b""
        while b"30000\n" not in seen:
            await anchor.changed(len(seen))
            seen += await anchor.read(len(seen), 777)
        assert (await anchor.wait("build")).succeeded
        assert seen == (await anchor.read(0, MEGABYTE))[: len(seen)]


async def test_a_hundred_megabytes_pass_quickly_in_little_memory(host: LocalHost) -> None:
    anchor = await run(host)
    assert (await ended(anchor, "warm", shell("seq 1 1000"))).succeeded
    before, begun, begin = resident(anchor), len(await output(anchor)), time.monotonic()
    await anchor.start("build", shell("yes 0123456789abcdef | head -c 100000000"))
    read, chunk = begun, b""
    while read < begun + 100_000_000:
        await anchor.changed(read)
        chunk = await anchor.read(read, 256 << 10)
        read += len(chunk)
    assert (await anchor.wait("build")).statuses == (0,)
    took = time.monotonic() - begin
    grown = resident(anchor) - before
    print(f"100 MB in {took:.2f} s, the anchor grew by {grown} kB")
    assert grown < 4096
    assert took < 60


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.root
async def test_a_full_disk_costs_output_but_neither_the_run_nor_its_ends(small_disk: Path) -> None:
    async with local_host(small_disk) as host:
        anchor = await run(host)
        await ended(anchor, "first", shell("echo first"))
        assert await ended(anchor, "build", shell("seq 1 1000000; exit 4")) == Exit(statuses=(4,))
        assert (await host.exits(anchor.handle))["build"] == Exit(statuses=(4,))
        for number in range(40):  # more ends than there is room set aside for
            name = f"again-{number}"
            assert await ended(anchor, name, shell(f"exit {number}")) == Exit(statuses=(number,))
            assert await anchor.wait(name) == Exit(statuses=(number,))


@pytest.mark.root
async def test_room_that_comes_back_is_used_and_the_loss_is_said(small_disk: Path) -> None:
    async with local_host(small_disk) as host:
        anchor = await run(host)
        hog = small_disk / "hog"
        await ended(anchor, "first", shell("echo first"))
        hog.write_bytes(b"x" * 700_000)
        await anchor.start("build", shell(f"seq 1 100000; while test -e {hog}; do sleep 0.01; done; echo after"))
        await until(lambda: _free(small_disk) == 0)
        hog.unlink()
        assert (await anchor.wait("build")).succeeded
        said = await output(anchor)
        assert "bytes of output could not be kept: No space left on device]\n" in said
        assert said.endswith("after\n")


def _free(folder: Path) -> int:
    return int(subprocess.run(["stat", "-f", "-c", "%a", folder], capture_output=True, check=True).stdout)


async def test_names_of_commands_may_hold_anything_but_a_nul(host: LocalHost) -> None:
    anchor = await run(host)
    names = ["../../x", "a/b", "größe", "", ".", "100%", "new\nline"]
    for name in names:
        await anchor.start(name, shell("true"))
    await asyncio.gather(*(anchor.wait(name) for name in names))
    assert set(await host.exits(anchor.handle)) == set(names)
