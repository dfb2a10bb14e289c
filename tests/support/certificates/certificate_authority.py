"""A real authority for certificates on the loopback (Pebble), for which every name leads to this machine."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography import x509

from tests.support.certificates.certificates import certificate_for
from tests.support.panel.panel import free_port

REFUSED = "refused.example.test"  # for which it issues none
_ASKED = re.compile(r'Identifier\{Type:"dns", Value:"([^"]+)"\}')


@dataclass(frozen=True, kw_only=True)
class Authority:
    """``directory`` is what it is asked at, ``roots`` the file of what vouches for that; it comes to port ``knocks`` to
    see whose a name is.
    """

    directory: str
    roots: Path
    knocks: int
    log: Path

    def asked(self) -> set[str]:
        """The names that it was asked for, as its log tells of them."""
        return set(_ASKED.findall(self.log.read_text()))

    def issued(self, shown: bytes) -> bool:
        """Whether a certificate, as a browser is shown it, is of such an authority."""
        return "Pebble" in issuer_of(shown)


def issuer_of(certificate: bytes) -> str:
    """Who signed it."""
    return x509.load_der_x509_certificate(certificate).issuer.rfc4514_string()


@contextmanager
def authority(folder: Path) -> Iterator[Authority]:
    """One that is up."""
    folder.mkdir(parents=True, exist_ok=True)
    pem, key = certificate_for("localhost")
    (folder / "own.pem").write_text(pem)
    (folder / "own.key").write_text(key)
    listens, manages, knocks, names, told = (free_port() for _ in range(5))
    settings = {
        "listenAddress": f"127.0.0.1:{listens}",
        "managementListenAddress": f"127.0.0.1:{manages}",
        "certificate": str(folder / "own.pem"),
        "privateKey": str(folder / "own.key"),
        "httpPort": knocks,
        "tlsPort": free_port(),
        "domainBlocklist": [REFUSED],
    }
    (folder / "config.json").write_text(json.dumps({"pebble": settings}))
    made = Authority(
        directory=f"https://localhost:{listens}/dir",
        roots=folder / "own.pem",
        knocks=knocks,
        log=folder / "pebble.log",
    )
    everywhere = ("-defaultIPv4", "127.0.0.1", "-defaultIPv6", "")
    nothing = ("-http01=", "-https01=", "-tlsalpn01=", "-doh=")
    with ExitStack() as stack:
        dns = ("pebble-challtestsrv", f"-dns01=127.0.0.1:{names}", f"-management=127.0.0.1:{told}")
        stack.enter_context(_running((*dns, *everywhere, *nothing), folder / "names.log"))
        own = ("pebble", f"-config={folder}/config.json", f"-dnsserver=127.0.0.1:{names}")
        stack.enter_context(_running(own, made.log, PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT="0"))
        _await(made)
        yield made


def lacks_authority() -> str | None:
    """What keeps one from being started here."""
    return None if shutil.which("pebble") else "this machine has no pebble; .ci/run installs it"


@contextmanager
def _running(argv: Sequence[str], log: Path, **env: str) -> Iterator[None]:
    with log.open("ab") as file:
        whole = ["setpriv", "--pdeathsig", "KILL", "--", *argv]
        process = subprocess.Popen(
            whole, env={"PATH": "/usr/bin:/bin", **env}, stdout=file, stderr=file, stdin=subprocess.DEVNULL
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _await(made: Authority) -> None:
    deadline = time.monotonic() + 20
    with httpx.Client(verify=ssl.create_default_context(cafile=str(made.roots)), trust_env=False) as client:
        while True:
            try:
                assert client.get(made.directory).status_code == 200
            except httpx.TransportError:
                assert time.monotonic() < deadline, made.log.read_text()
                time.sleep(0.05)
            else:
                return
