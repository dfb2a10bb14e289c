"""A world of two networks, for programs that are to reach the internet only: one with what is near, where this runs,
and one with an address of the internet. Its name server gives each name first the far address and then the near one.

As a program (in a network and a view of mounts of its own) it tries what is named in its arguments, and prints as JSON
what came of it, and who was asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import os
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from headway.drivers.runtimes.gates.panel_gates import Gates, gates_of
from headway.drivers.runtimes.gates.table_content import Ports
from headway.drivers.storages.base import Storage
from headway.drivers.storages.queries import Storages
from headway.drivers.storages.rclone import Rclone
from headway.drivers.storages.rclone_passwords import obscured
from headway.features.notifications.media import Media
from headway.features.notifications.model import ChannelTarget
from headway.infra.hosts import cgroups
from headway.infra.hosts.command import Account
from headway.kernel.addresses import host_of
from headway.kernel.errors import HeadwayError

FAR, PORT = "8.8.8.8", 8080
_UIDS = range(1_990_000_000, 1_990_001_000)
_OUTWARD = _UIDS.stop - 1
SAYS = "WORDS-OF-THE-OTHER-SIDE"

ASKED: Counter[str] = Counter()


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers everybody, in its own words."""

    side = "near"

    def do_GET(self) -> None:
        self._answer(418)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self._answer(200)

    def _answer(self, status: int) -> None:
        ASKED[self.side] += 1
        if self.side == "far" and "redirect" in self.path:
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{PORT}/")
        else:
            self.send_response(status)
        self.end_headers()
        self.wfile.write(SAYS.encode())

    do_PROPFIND = do_HEAD = do_PUT = do_GET  # noqa: N815 - their names in the library

    def log_message(self, *_: object) -> None: ...


class Names(socketserver.BaseRequestHandler):
    """A small name server: what is asked first for a name is far, and near from then on."""

    seen: ClassVar[Counter[bytes]] = Counter()

    def handle(self) -> None:
        data, answering = self.request
        end = data.index(b"\0", 12) + 5
        question, kind = data[12:end], data[end - 3]
        address = b""
        if kind == 1:
            self.seen[question] += 1
            address = socket.inet_aton(FAR if self.seen[question] == 1 else "127.0.0.1")
        count = b"\0\1" if address else b"\0\0"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + address if address else b""
        answering.sendto(data[:2] + b"\x81\x80\0\1" + count + b"\0\0\0\0" + question + answer, self.client_address)


def lay_out() -> None:
    """Both networks, with their servers."""
    other = subprocess.Popen(
        [
            "setpriv",
            "--pdeathsig=KILL",
            "unshare",
            "-n",
            sys.executable,
            "-m",
            "tests.support.machines.outward_world",
            "far",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    other.stdout.readline()
    for line in (
        "link set lo up",
        f"link add v0 type veth peer name v1 netns {other.pid}",
        "address add 8.8.8.1/24 dev v0",
        "link set v0 up",
        "route add default via 8.8.8.8",
    ):
        subprocess.run(["ip", *line.split()], check=True)
    entered = ["nsenter", f"--net=/proc/{other.pid}/ns/net", "ip"]
    for line in ("link set lo up", f"address add {FAR}/24 dev v1", "link set v1 up"):
        subprocess.run([*entered, *line.split()], check=True)
    conf = Path(tempfile.mkdtemp()) / "resolv.conf"
    conf.write_text("nameserver 127.0.0.1\noptions attempts:1 timeout:1\n")
    subprocess.run(["mount", "--bind", str(conf), "/etc/resolv.conf"], check=True)
    serve(http.server.ThreadingHTTPServer(("0.0.0.0", PORT), Answering))  # noqa: S104 - in a network of its own
    serve(socketserver.ThreadingUDPServer(("127.0.0.1", 53), Names))


def serve(server: socketserver.BaseServer) -> None:
    threading.Thread(target=server.serve_forever, daemon=True).start()


def storage(url: str, *, guarded: bool) -> Storage:
    """A WebDAV storage there."""
    options = {"type": "webdav", "url": url, "vendor": "other", "user": "u", "pass": obscured("p")}
    env = {f"RCLONE_CONFIG_DEST_{name.upper()}": value for name, value in options.items()}
    gid = _OUTWARD if guarded else _UIDS.start
    return Storage(
        root="dest:x",
        env=env,
        account=Account(uid=_UIDS.start, gid=gid),
        guarded=guarded,
        addresses=(url,) if guarded else (),
    )


async def tried(url: str, storages: Storages, *, guarded: bool) -> Mapping[str, Any]:
    """What came of listing a storage, after its name was looked up once, and how often what is near was asked."""
    before = ASKED["near"]
    if not guarded:
        with contextlib.suppress(OSError):
            socket.getaddrinfo(host_of(url), PORT)
    try:
        await storages.list(storage(url, guarded=guarded), "")
        said = "listed"
    except HeadwayError as error:
        said = error.message
    return {"said": said, "near": ASKED["near"] - before}


# Apprise without the look that it takes itself at each address.
_UNGUARDED = """\
import sys
from headway.features.notifications import apprise_call
apprise_call.only_outward = lambda refused: None
apprise_call.main(sys.argv[1:])
"""


async def channel(url: str, gates: Gates) -> Mapping[str, Any]:
    """What came of telling it to a channel, and how often what is near was asked."""
    before = ASKED["near"]
    media = Media(account=_UIDS.start, outward=_OUTWARD, gated=gates.stand, program=("-c", _UNGUARDED))
    try:
        await media._by_apprise(ChannelTarget(url=url, guarded=True), "title", "body")
        said = "told"
    except HeadwayError as error:
        said = error.message
    return {"said": said, "near": ASKED["near"] - before}


async def connections(gates: Gates) -> Mapping[str, str]:
    """How a connection to each address ends for who is to reach the internet only."""
    for line in ("-6 address add 2a00::9/64 dev v0 nodad", "-6 route add default dev v0"):
        subprocess.run(["ip", *line.split()], check=True)
    above = gates.stand()
    assert above is not None, gates.problem
    group = above / "tried"
    group.mkdir()
    script = (
        "import errno, socket, sys\n"
        "for host in sys.argv[1:]:\n"
        "    made = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)\n"
        "    made.setblocking(False)\n"
        "    print(host, errno.errorcode.get(made.connect_ex((host, 80)), 'OK'))\n"
    )
    words = ("setpriv", f"--reuid={_UIDS.start}", f"--regid={_OUTWARD}", "--clear-groups", sys.executable, "-c", script)
    within = ("sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(group), *words, *sys.argv[2:])
    ended = subprocess.run(within, capture_output=True, text=True, check=True)
    group.rmdir()
    return dict(line.split() for line in ended.stdout.splitlines())


async def main() -> None:
    """See the module's docstring."""
    lay_out()
    panel_id = f"outward-{os.getpid()}"
    gates = gates_of(panel_id, _UIDS, Ports(), _OUTWARD)
    assert gates is not None
    try:
        if sys.argv[1] == "connections":
            told: Mapping[str, Any] = await connections(gates)
        elif sys.argv[1] == "channels":
            told = {url: await channel(url, gates) for url in sys.argv[2:]}
        else:
            os.environ["HTTP_PROXY"] = os.environ["http_proxy"] = f"http://127.0.0.1:{PORT}"
            storages = Storages(rclone=Rclone.installed(), seconds=20, gated=gates.stand)
            open_ = Storages(rclone=Rclone.installed(), seconds=20)
            is_guarded = sys.argv[1] == "guarded"
            told = {
                url: await tried(url, storages if is_guarded else open_, guarded=is_guarded) for url in sys.argv[2:]
            }
        print(json.dumps(told))
    finally:
        cgroups.discover(panel_id).leave()


if __name__ == "__main__":
    if sys.argv[1:] == ["far"]:
        Answering.side = "far"
        server = http.server.ThreadingHTTPServer(("", PORT), Answering)
        print("ready", flush=True)
        server.serve_forever()
    else:
        asyncio.run(main())
