"""A registry tells nobody anything in its own words: who names one does not read what it, or what is near it, says."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headway.drivers.builders.engine import told
from headway.drivers.builders.publication import Destination, publish
from headway.drivers.runtimes.compose.commands import Docker as ComposeDocker
from headway.drivers.sources.image import ImageSource, PulledSpec
from headway.features.services.compose.image_distribution import ImageDistribution
from headway.infra.docker.api import DockerApi, unix_socket
from headway.infra.docker.cli import Docker, Typed
from headway.kernel.artifacts import Image
from headway.kernel.errors import HeadwayError
from headway.kernel.secret import Secret
from tests.integration.worksite import Worksite
from tests.support.docker.docker_engine import BASE_IMAGE, Engine

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(120)]

SAYS = "WORDS-OF-THE-OTHER-SIDE"


class Talking(http.server.BaseHTTPRequestHandler):
    """Lets everybody in, and refuses in its own words: the way that an engine tells on."""

    def do_GET(self) -> None:
        if self.path.startswith("/token") or self.path.startswith("/closed"):
            self._answer(403, "DENIED")
        elif self.path == "/v2/" and self.server.asks:  # type: ignore[attr-defined]
            self._answer(401, "UNAUTHORIZED")
        else:
            self._answer(200 if self.path == "/v2/" else 403, "DENIED")

    def do_HEAD(self) -> None:
        self._answer(403, "DENIED", body=False)

    do_POST = do_PUT = do_GET  # noqa: N815 - their names in the library

    def _answer(self, status: int, code: str, *, body: bool = True) -> None:
        said = json.dumps({"errors": [{"code": code, "message": SAYS}], "details": SAYS}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        if status == 401:
            self.send_header("WWW-Authenticate", f'Bearer realm="http://{self.headers["Host"]}/token",service="{SAYS}"')
        self.end_headers()
        if body:
            self.wfile.write(said)

    def log_message(self, *_: object) -> None: ...


class Talker(http.server.ThreadingHTTPServer):
    """A registry, which asks for a token where it ``asks``."""

    asks = False

    @property
    def address(self) -> str:
        """As images name it."""
        return f"127.0.0.1:{self.server_port}"


@pytest.fixture
def talking() -> Iterator[Talker]:
    server = Talker(("127.0.0.1", 0), Talking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def api_of(engine: Engine) -> DockerApi:
    return DockerApi(unix_socket(str(engine.socket)))


def line(engine: Engine, folder: Path) -> Docker:
    return Docker(host=engine.host, configuration=str(folder / "configuration"))


async def test_an_image_that_is_refused_is_refused_in_known_words(
    site: Worksite, docker_engine: Engine, talking: Talker
) -> None:
    for asks, why in ((False, "no such image, or not for this user"), (True, "does not let the user u in")):
        talking.asks = asks
        spec = PulledSpec(name=f"{talking.address}/team/x:1", kept_as="headway-x/x:r-1")
        if asks:
            spec = PulledSpec(
                name=spec.name, kept_as=spec.kept_as, registry=talking.address, username="u", password=Secret("p")
            )
        source = ImageSource(spec=spec, api=api_of(docker_engine), cli=line(docker_engine, site.folder))
        with pytest.raises(HeadwayError) as refused:
            await source.fetch(site)
        assert why in refused.value.message
        assert SAYS not in refused.value.message
    assert SAYS not in await site.log()


async def test_nor_does_it_speak_where_an_image_is_taken_to_it(
    site: Worksite, docker_engine: Engine, talking: Talker
) -> None:
    cli = line(docker_engine, site.folder)
    name = f"{talking.address}/team/x:1"
    found = docker_engine.docker("image", "ls", "--quiet", "--no-trunc", BASE_IMAGE).strip()
    to = Destination(
        name=name,
        registry=talking.address,
        login=cli.login(talking.address, "u", Secret("p")),
        cli=cli,
        api=api_of(docker_engine),
    )
    with pytest.raises(HeadwayError, match=f"cannot be taken to {name}") as refused:
        await publish(site, Image(name=BASE_IMAGE, reference=found), to)
    docker_engine.docker("image", "rm", name)
    assert SAYS not in refused.value.message + await site.log()


async def test_nor_to_a_compose_service(site: Worksite, docker_engine: Engine, talking: Talker) -> None:
    docker = ComposeDocker(address=docker_engine.host, config_folder=str(site.folder / "configuration"))
    plan: Any = SimpleNamespace(
        guarded=False,
        given=(talking.address,),
        registries=[{"url": talking.address, "username": "u", "password": "p"}],
    )
    tools: Any = SimpleNamespace(host_id="local", engine=SimpleNamespace(docker=docker, tag=_nothing))
    run: Any = site
    image_distribution = ImageDistribution(run=run, plan=plan, tools=tools)
    name = f"{talking.address}/team/x:1"
    with pytest.raises(HeadwayError, match="cannot be pulled"):
        await image_distribution._fetch(docker, name, is_there=False)
    await image_distribution._fetch(docker, name, is_there=True)
    talking.asks = True
    with pytest.raises(HeadwayError, match="does not let the user u in") as refused:
        await image_distribution._log_in(docker.config_folder, "pull", None)
    docker_engine.docker("tag", BASE_IMAGE, name)
    with pytest.raises(HeadwayError, match="cannot be taken to its registry"):
        await image_distribution._push(docker, "x", name)
    docker_engine.docker("image", "rm", name)
    told = refused.value.message + await site.log()
    assert SAYS not in told
    assert "the copy on its machine is used" in told


async def _nothing(*_: object) -> None: ...


def test_nor_where_a_build_begins_with_its_image(docker_engine: Engine, talking: Talker, tmp_path: Path) -> None:
    (tmp_path / "configuration").mkdir()
    typed = told(Typed(argv=("docker-buildx", "build", "--progress=plain", "-"), env={}))
    name = f"{talking.address}/team/x:1"
    for asks in (False, True):
        talking.asks = asks
        ended = subprocess.run(
            typed.argv,
            input=f"FROM {name}\n",
            env=line(docker_engine, tmp_path).with_engine({}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode != 0
        assert f"The image {name} cannot be fetched from its registry: it" in ended.stdout
        assert SAYS not in ended.stdout + ended.stderr
        assert "http" not in ended.stdout
