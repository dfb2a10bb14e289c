"""Examples of others built as images, on bases that are made here of Debian's packages and of languages from their
registries: an engine of its own, a way out for its builds, and what a container answers.
"""

from __future__ import annotations

import asyncio
import select
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from headway.drivers.builders.base import BuildSpec, ImageSpec
from headway.drivers.builders.base_image_names import read_bases
from headway.drivers.builders.outlook import plan_build
from headway.drivers.builders.plan_image import PlanImageBuilder
from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.toolchains.provision import provide
from headway.drivers.buildplan.toolchains.store import Store
from headway.drivers.runtimes.container.site_server import configuration
from headway.infra.docker.api import DockerApi, unix_socket
from headway.infra.docker.cli import Docker
from headway.infra.hosts.command import Account
from headway.kernel.artifacts import Image, Workspace
from headway.kernel.secret import Secret
from tests.integration.builders.imaging import file_server
from tests.integration.worksite import Worksite
from tests.support.docker.docker_engine import Engine
from tests.support.docker.plan_bases import PLAN_BASE, build_images, make_plan_base
from tests.support.panel.panel import free_port

# What the bases have; package managers are installed into images by the builds themselves.
_LANGUAGES = frozenset({"python", "node", "npm", "go", "deno", "bun"})
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_SECONDS = 60.0
_NPM = "10.9.2"


@contextmanager
def image_engine() -> Iterator[tuple[Engine, Mapping[str, str]]]:
    """An engine, and the variables by which its builds reach what this machine does."""
    folder = Path(tempfile.mkdtemp(prefix="headway-images-", dir="/var/tmp"))
    engine = Engine(folder / "engine")
    try:
        engine.start()
        engine.load_base_image()
        make_plan_base(engine)
        gateway = (engine.folder / "bridge").read_text().split()[1] + ".128.1"
        with _way_out(gateway) as proxy:
            names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "YARN_HTTPS_PROXY", "YARN_HTTP_PROXY")
            trust = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
            yield engine, {**dict.fromkeys(names, proxy), **dict.fromkeys(trust, _CERTIFICATES)}
    finally:
        engine.remove()
        shutil.rmtree(folder, ignore_errors=True)


async def built_image(site: Worksite, workspace: Workspace, spec: BuildSpec, engine: Engine, store: Store) -> Image:
    """The example as an image."""
    group = engine.socket.stat().st_gid
    base = await _base(site, workspace, spec, engine, store)
    image = ImageSpec(
        api=DockerApi(unix_socket(str(engine.socket))),
        cli=Docker(host=engine.host, configuration=str(site.folder / "docker-configuration")),
        name=f"headway-test/{site.folder.name.lower().replace('_', '')}:r-one",
        group=f"proof-{site.folder.name.lower()}",
        account=None if site.build is None else Account(uid=site.build.uid, gid=group),
        bases=read_bases(build_images(base)),
        file_server=str(file_server(site.folder)),
        site_file=configuration,
    )
    return await PlanImageBuilder().build(site, workspace, replace(spec, image=image))


async def _base(site: Worksite, workspace: Workspace, spec: BuildSpec, engine: Engine, store: Store) -> str:
    """An image with the languages that the plan needs, at the versions that a native build would have."""
    plan = await plan_build(site, workspace, spec)
    needs = [need for need in plan.needs if need.tool in _LANGUAGES]
    if any(need.tool in {"node", "npm", "pnpm", "yarn"} for need in plan.needs):
        # As any image of Node has one; this machine's own, which "any" would be, is not where an image could have it.
        needs = [need for need in needs if need.tool != "npm"] + [Need(tool="node"), Need(tool="npm", wanted=_NPM)]
    provided = await provide(site, needs, store)
    taken = [need for need in provided.uses if _is_whole(Path(store.entry(need.tool, need.wanted)))]
    name = "headway-test/" + ("-".join(f"{need.tool}{need.wanted}" for need in taken) or "none") + ":local"
    if not taken:
        return PLAN_BASE
    lines = [f"FROM {PLAN_BASE}", "USER 0:0", "ENV NPM_CONFIG_PREFIX=/usr/local"]
    contexts = list[str]()
    for number, need in enumerate(taken):
        entry = store.entry(need.tool, need.wanted)
        contexts.append(f"--build-context=t{number}={entry}")
        lines += [f"COPY --from=t{number} . {entry}", f"RUN ln -sf {entry}/bin/* /usr/local/bin/"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Dockerfile").write_text("\n".join([*lines, ""]))
        await asyncio.to_thread(engine.docker, "build", "--quiet", "--tag", name, *contexts, folder, timeout=180)
    return name


def _is_whole(entry: Path) -> bool:
    """Whether it has its files itself, and is no folder of links to what this machine has."""
    return all(entry.resolve() in each.resolve().parents for each in (entry / "bin").iterdir())


def answer(engine: Engine, image: Image, variables: Mapping[str, Secret], path: str) -> Iterator[str]:
    """What a container of the image answers and has printed, over and over until it ends or is to."""
    port, inner = free_port(), image.ports[0] if image.ports else 3000
    told = [part for name in variables for part in ("--env", f"{name}={variables[name].reveal()}")]
    options = ("--detach", f"--publish=127.0.0.1:{port}:{inner}", "--env", f"PORT={inner}", *told)
    container = engine.docker("run", *options, image.reference).strip()
    until = time.monotonic() + _SECONDS
    try:
        while time.monotonic() < until:
            seen = ""
            with suppress(httpx.HTTPError):
                seen = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=10, follow_redirects=True).text
            runs = engine.docker("container", "inspect", "--format={{.State.Running}}", container).strip() == "true"
            yield seen + _printed(engine, container)
            if not runs:
                return
            time.sleep(0.3)
    finally:
        engine.docker("rm", "--force", "--volumes", container)
        engine.docker("image", "rm", "--force", image.reference)


def _printed(engine: Engine, container: str) -> str:
    argv = ["docker", "--host", engine.host, "logs", container]
    return subprocess.run(argv, capture_output=True, check=False, timeout=30).stdout.decode(errors="replace")


@contextmanager
def _way_out(address: str) -> Iterator[str]:
    """A proxy at an address of the engine's bridge, by which builds reach what this machine does."""

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    with Server((address, 0), _Passing) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{address}:{server.server_address[1]}"
        finally:
            server.shutdown()


class _Passing(socketserver.StreamRequestHandler):
    """One connection through the proxy."""

    timeout = 300

    def handle(self) -> None:
        words = self.rfile.readline().decode(errors="replace").split()
        head = list(iter(self.rfile.readline, b"\r\n"))
        if len(words) != 3:
            return
        with suppress(OSError):
            if words[0] == "CONNECT":
                host, _, port = words[1].rpartition(":")
                with socket.create_connection((host, int(port)), 30) as there:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                    self._pass(there)
                return
            url = urlsplit(words[1])
            with socket.create_connection((url.hostname or "", url.port or 80), 30) as there:
                inner = url._replace(scheme="", netloc="").geturl() or "/"
                kept: Sequence[bytes] = [
                    line for line in head if not line.lower().startswith((b"proxy-", b"connection:"))
                ]
                there.sendall(
                    f"{words[0]} {inner} HTTP/1.1\r\n".encode() + b"".join(kept) + b"Connection: close\r\n\r\n"
                )
                self._pass(there)

    def _pass(self, there: socket.socket) -> None:
        ends = (self.connection, there)
        while True:
            ready, _, _ = select.select(ends, (), (), 300)
            if not ready:
                return
            for each in ready:
                data = each.recv(65536)
                if not data:
                    return
                (there if each is self.connection else self.connection).sendall(data)
