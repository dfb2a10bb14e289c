"""No build lets the engine ask anything on the machine's own network."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from tests.integration.worksite import Worksite
from tests.support.applications.building import FROM, tenants
from tests.support.docker.docker_engine import BASE_IMAGE, Engine

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(120)]


class _Loopback(http.server.BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ONLY-FOR-THE-MACHINE")

    do_HEAD = do_GET  # noqa: N815 - its name in the library

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def service() -> Iterator[tuple[int, list[str]]]:
    """A service on the loopback, and what it was asked for."""
    asked: list[str] = []
    handler = type("Loopback", (_Loopback,), {"asked": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, asked
        server.shutdown()


WAYS = (
    "ADD http://127.0.0.1:{port}/api /x\n",
    "ADD --checksum=sha256:" + "a" * 64 + " http://127.0.0.1:{port}/api /x\n",
    "ADD http://localhost:{port}/ http://[::1]:{port}/ /x/\n",
    "ARG URL=http://127.0.0.1:{port}/\nADD ${{URL}} /x\n",
    "ENV HOST=127.0.0.1\nADD http://$HOST:{port}/ /x\n",
    'ADD ["http://0:{port}/", "/x"]\n',
    "ADD http://127.0.0.1:{port}/repository.git /x\n",
    "ADD git://127.0.0.1:{port}/x.git#main:sub /x\n",
    "ADD git@127.0.0.1:x.git /x\n",
    "ADD http://169.254.169.254/latest/meta-data/ /x\n",
    "COPY --from=127.0.0.1:{port}/x /x /x\n",
    "COPY --from=localhost:{port}/x /x /x\n",
    "RUN --mount=from=0.0.0.0:{port}/x,target=/m ls /m\n",
    "RUN --network=host true\n",
    "RUN --security=insecure true\n",
)


async def test_no_instruction_reaches_the_loopback(
    site: Worksite, docker_engine: Engine, service: tuple[int, list[str]]
) -> None:
    port, asked = service
    _, attacker = tenants(site, docker_engine)
    for way in WAYS:
        said = await attacker.refused(FROM + way.format(port=port))
        assert asked == []
        assert any(words in said for words in ("not for builds", "not allowed", "unknown flag: security")), said


async def test_a_step_does_not_reach_it_either(
    site: Worksite, docker_engine: Engine, service: tuple[int, list[str]]
) -> None:
    port, asked = service
    _, attacker = tenants(site, docker_engine)
    ask = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{port}/', timeout=2)"
    said = await attacker.refused(f'{FROM}RUN python3 -c "{ask}"\n')
    assert "Connection refused" in said
    assert asked == []


async def test_what_is_not_of_the_machine_is_left_to_registries(site: Worksite, docker_engine: Engine) -> None:
    """No registry is to be had here; that one is asked at all is enough."""
    _, attacker = tenants(site, docker_engine)
    said = await attacker.refused("FROM registry.invalid/team/base:1\n")
    assert "cannot be fetched from its registry" in said
    registry = "127.0.0.1:9"
    own = await attacker.refused(f"FROM {registry}/{BASE_IMAGE}\n", registries=(registry,))
    assert "cannot be fetched from its registry: it does not answer" in own
