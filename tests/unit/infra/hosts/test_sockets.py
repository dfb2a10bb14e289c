"""Who listens, as the kernel tells it when it is asked, is who its own list of all sockets shows."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from headway.infra.hosts import sockets
from headway.infra.hosts.sockets import Listener

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what listens there is to be found
ADDRESSES = tuple((each, socket.AF_INET) for each in ("127.0.0.1", EVERYWHERE, "127.8.9.1"))
ALL_OF_BOTH, LOOPBACK = ("::", socket.AF_INET6), ("::1", socket.AF_INET6)


@pytest.fixture
def opened() -> Iterator[dict[int, tuple[str, int]]]:
    """Sockets that listen, by their inodes; beside them one that is connected and one that only has a port."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(socket.create_server((address, 0), family=family, dualstack_ipv6=address == "::"))
            for address, family in (*ADDRESSES, ALL_OF_BOTH, LOOPBACK)
        ]
        stack.enter_context(socket.create_connection(servers[0].getsockname()))
        bound = stack.enter_context(socket.socket())
        bound.bind(("127.0.0.1", 0))
        yield {os.fstat(each.fileno()).st_ino: each.getsockname()[:2] for each in servers}


def mine(found: list[Listener]) -> dict[int, Listener]:
    """Those of this process."""
    own = sockets.sockets_of([os.getpid()])
    return {each.inode: each for each in found if each.inode in own}


def of_the_table() -> list[Listener]:
    """What the text of /proc says."""
    return [each for name in ("tcp", "tcp6") for each in sockets.read_table(Path("/proc/net", name).read_text())]


def test_what_the_kernel_tells_is_what_its_list_shows(opened: dict[int, tuple[str, int]]) -> None:
    told = [each for family in (socket.AF_INET, socket.AF_INET6) for each in sockets.told_by_the_kernel(family)]
    assert mine(told) == mine(of_the_table())
    assert {inode: (str(each.address), each.port) for inode, each in mine(told).items()} == opened
    assert {each.uid for each in mine(told).values()} == {os.geteuid()}
    assert mine(sockets.listeners()) == mine(told)


def test_where_the_kernel_does_not_answer_its_list_is_read(opened: dict[int, tuple[str, int]]) -> None:
    def says_nothing(family: socket.AddressFamily) -> list[Listener]:
        raise OSError(errno.EPROTONOSUPPORT, f"{family}: not supported")

    assert mine(sockets.listeners(says_nothing)) == mine(sockets.listeners())
    assert mine(sockets.listeners(says_nothing)).keys() == opened.keys()


def test_more_sockets_are_told_of_than_one_answer_holds() -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(400)]
        inodes = {os.fstat(each.fileno()).st_ino for each in servers}
        assert mine(sockets.told_by_the_kernel(socket.AF_INET)).keys() >= inodes
