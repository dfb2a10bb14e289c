"""A server that says more than it was asked, or something else, is not heard on; what it says is held by nobody."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headway.infra.hosts.ssh_compression import MOST_PACKET_BYTES, Bounded
from tests.support.machines.ssh_servers import ssh_server
from tests.support.panel.bounds import P99_SECONDS, watched
from tests.support.panel.panel import Panel, panel

pytestmark = pytest.mark.slow

# What a server that was broken into has sshd start instead of what it is asked to.
ROGUE = """\
import struct, sys, time

def pack(*fields):
    return b"".join(struct.pack(">I", len(each)) + each for each in fields)

def say(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()

HELLO = pack(pack(b"1", b"ok", b"x86_64", b"0", b"boot"))
ENDLESS = b"\\0" * (1 << 20)
match sys.argv[1]:
    case "noise":
        begun = b"\\0\\1\\0\\0"
    case "words":
        begun = b"Welcome to this machine! \\x1b]52;c;aGk=\\x07 You have mail.\\n"
    case "announced":
        begun = HELLO + struct.pack(">I", 0xFFFFFFFF)
    case "within":  # of a message that is short enough, a field that is not
        begun = HELLO + struct.pack(">II", 8, 0xFFFFFFFF) + b"\\0\\0\\0\\0"
    case "nobody":  # answers that nobody waits for, each as long as may be
        begun = HELLO + (struct.pack(">I", (1 << 20) + 9) + pack(b"77777", b"\\0" * ((1 << 20) - 4))) * 512
    case "links":  # words about connections that nobody has
        begun = HELLO + pack(pack(b"", b"from", b"99", b"\\0" * 60_000)) * 512
    case "early-answers":  # two million bytes to nobody, and no greeting
        begun = pack(pack(b"77777", b"\\0" * 1_000)) * 2_000
    case "early-links":
        begun = pack(pack(b"", b"from", b"99", b"\\0" * 1_000)) * 2_000
    case "empty":
        begun = HELLO + struct.pack(">I", 0)
if begun.startswith(HELLO):
    sys.stdin.buffer.read1()
    say(HELLO)
    time.sleep(0.3)
try:
    say(begun.removeprefix(HELLO))
    counted = ("links", "early-answers", "early-links")  # is not to be ended by what follows
    for _ in range(0 if sys.argv[1] in counted else 512):
        say(ENDLESS)
    time.sleep(30)
except OSError:
    pass
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("frames") / "data") as started:
        gone = started.post("server.create", name="gone", ipAddress="127.0.0.1", port=1)["serverId"]
        started.client.get("/server.validate", params={"serverId": gone})  # which loads what talks to servers
        yield started


@contextmanager
def rogue(folder: Path, running: Panel, does: str) -> Iterator[str]:
    """A server that does this; its id."""
    (folder / "rogue.py").write_text(ROGUE)
    with ssh_server(folder / "sshd") as server:
        server.stop()
        with (server.folder / "config").open("a") as config:
            config.write(f"ForceCommand {sys.executable} {folder}/rogue.py {does}\n")
        server.start()
        public = (server.folder / "key.pub").read_text()
        key = {"name": f"key {does}", "privateKey": server.key.reveal(), "publicKey": public}
        running.post("sshKey.create", **key)
        key_id = next(each["sshKeyId"] for each in running.get("sshKey.all") if each["name"] == key["name"])
        made = running.post("server.create", name=does, ipAddress="127.0.0.1", port=server.port, sshKeyId=key_id)
        yield made["serverId"]


@pytest.mark.root
@pytest.mark.parametrize(
    ("does", "sentence"),
    [
        ("noise", "says something of its own before"),
        ("words", "says something of its own before"),
        ("announced", "announced 4294967295 bytes"),
        ("within", "answered with something that is no answer"),
        ("nobody", "answered with something that is no answer"),
        ("links", "answered with something that is no answer"),
        ("early-answers", "says something of its own before"),
        ("early-links", "says something of its own before"),
        ("empty", "answered with something that is no answer"),
    ],
)
def test_a_server_that_says_too_much_costs_nothing(tmp_path: Path, running: Panel, does: str, sentence: str) -> None:
    with rogue(tmp_path, running, does) as server_id, watched(running) as cost:
        answer = running.client.get("/server.validate", params={"serverId": server_id})
    assert sentence in answer.text, answer.text
    assert f"{does} (root@127.0.0.1" in answer.text, answer.text
    assert "\x1b" not in answer.text
    assert cost.grown_mib < 48
    assert cost.p99 < P99_SECONDS
    assert cost.seconds < 25


def test_a_small_packet_does_not_become_a_large_one() -> None:
    bomb = zlib.compress(bytes(64 << 20))
    assert len(bomb) < MOST_PACKET_BYTES
    assert Bounded().decompress(bomb) is None
    kept = Bounded()
    stream = zlib.compressobj()
    packets = [stream.compress(each) + stream.flush(zlib.Z_SYNC_FLUSH) for each in (b"a" * 32_768, b"b")]
    assert [kept.decompress(each) for each in packets] == [b"a" * 32_768, b"b"]
