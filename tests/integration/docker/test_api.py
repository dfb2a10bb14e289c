"""The engine's API over its socket: what it knows, what it refuses, and an engine that is not there."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest

from headway.features.services.disk_space import Room
from headway.infra.docker import images
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused, keeps_policies, unix_socket
from headway.kernel.artifacts import Image
from headway.kernel.ids import new_id
from tests.integration.runtimes.bench import until_async
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.docker.docker_registry import PASSWORD, USERNAME, lacks_registry, registry


@pytest.fixture
def api(docker_engine: Engine) -> DockerApi:
    return DockerApi(unix_socket(str(docker_engine.socket)))


@pytest.mark.docker
async def test_what_is_there_is_told_and_what_is_not_is_none(api: DockerApi) -> None:
    assert await api.answers()
    found = await images.inspect(api, BASE_IMAGE, BASE_IMAGE)
    assert found is not None
    assert found.reference.startswith("sha256:")
    assert found.bytes > 1_000_000
    assert await images.inspect(api, "headway-test/nothing:1", "nothing") is None
    assert await api.find("/containers/nobody/json") is None


@pytest.mark.docker
@pytest.mark.skipif(lacks_registry() is not None, reason=str(lacks_registry()))
async def test_a_digest_is_told_to_the_name_of_the_registry_that_gave_it_alone(
    api: DockerApi, docker_engine: Engine, tmp_path: Path
) -> None:
    """One image may have been pushed elsewhere: no machine could fetch it from here by that digest."""
    base = f"headway-test/digest-{secrets.token_hex(6)}"
    docker_engine.docker("build", f"--tag={base}", "-", stdin=f"FROM {BASE_IMAGE}\nLABEL of={base}\n".encode())
    with registry(tmp_path) as address:
        pushed = f"{address}/team/base:1"
        docker_engine.docker("tag", base, pushed)
        docker_engine.docker("login", address, f"--username={USERNAME}", "--password-stdin", stdin=PASSWORD.encode())
        docker_engine.docker("push", pushed)
        docker_engine.docker("logout", address)
    for name, has_one in ((base, False), (pushed, True), (f"{address}/team/base:2", True), (f"{address}/base", False)):
        found = await images.inspect(api, base, name)
        assert found is not None
        assert (found.digest is not None) == has_one, name
    for name in (base, pushed):
        await images.let_go(api, name)


@pytest.mark.docker
async def test_where_the_engine_keeps_images_is_a_place_where_deploys_write(
    api: DockerApi, docker_engine: Engine, tmp_path: Path
) -> None:
    root = docker_engine.docker("info", "--format={{.DockerRootDir}}").strip()
    assert await Room(work="/work", floor=0, api=api).places() == ["/work", root]
    nobody = DockerApi(unix_socket(str(tmp_path / "none")))
    assert await Room(work="/work", floor=0, api=nobody).places() == ["/work"]


@pytest.mark.docker
async def test_a_refusal_has_its_status_and_sentence(api: DockerApi) -> None:
    with pytest.raises(EngineRefused, match=r"Docker refuses: .*No such image") as refused:
        await api.post("/containers/create", {"Image": "headway-test/nothing:1"})
    assert refused.value.status == 404


@pytest.mark.docker
async def test_what_is_gone_is_removed_without_an_error(api: DockerApi) -> None:
    await api.delete("/containers/nobody", force=True)
    await images.let_go(api, "headway-test/nothing:1")


@pytest.mark.docker
async def test_an_image_stays_under_the_name_it_is_kept_by(api: DockerApi, docker_engine: Engine) -> None:
    name = images.release_name("0123456789ab", "shop", "-" + new_id()[1:])
    docker_engine.docker("build", "--quiet", "--tag=headway-test/kept:1", "-", stdin=b"FROM scratch\nLABEL a=b\n")
    image = await images.inspect(api, "headway-test/kept:1", "kept")
    assert isinstance(image, Image)
    await images.keep(api, image, name)
    await images.let_go(api, "headway-test/kept:1")
    assert await images.inspect(api, name, name) is not None
    await images.let_go(api, name)
    assert await images.inspect(api, image.reference, "kept") is None


@pytest.mark.docker
async def test_the_cache_of_builds_is_bounded(api: DockerApi, docker_engine: Engine) -> None:
    made = new_id()
    step = f"FROM {BASE_IMAGE}\nRUN head -c 20000000 /dev/urandom > /{made}\n"
    docker_engine.docker("build", "--quiet", "--tag=headway-test/cached:1", "-", stdin=step.encode())
    docker_engine.docker("image", "rm", "headway-test/cached:1")

    async def kept() -> int:
        """The bytes of what was made here: others build on this engine meanwhile."""
        cached = (await api.get("/system/df", type="build-cache"))["BuildCache"]
        return sum(each["Size"] for each in cached if made in each["Description"])

    assert await kept() >= 20_000_000

    async def is_gone() -> bool:
        await images.bound_cache(api, 1_000_000)
        return await kept() == 0

    await until_async(is_gone, 60)  # what another build uses meanwhile stays for so long


async def test_an_engine_that_is_not_there_is_away(tmp_path: Path) -> None:
    api = DockerApi(unix_socket(str(tmp_path / "nowhere.sock")))
    assert not await api.answers()
    with pytest.raises(EngineAway, match=r"does not answer \(No such file or directory\)\. Install it"):
        await api.get("/version")


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
async def test_what_is_no_whole_answer_is_an_engine_that_is_away(tmp_path: Path, said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    path = tmp_path / "odd.sock"
    async with await asyncio.start_unix_server(answer, path):
        with pytest.raises(EngineAway):
            await DockerApi(unix_socket(str(path))).get("/version")


def test_an_engine_that_ignores_policies_is_known_by_its_version() -> None:
    assert not keeps_policies({"ApiVersion": "1.41"})
    assert keeps_policies({"ApiVersion": "1.43"})
    assert keeps_policies({"ApiVersion": "1.100"})
