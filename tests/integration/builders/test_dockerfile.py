"""Images built of Dockerfiles, by a real engine: what gets in, what is told, what fails and how, and what is left."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from headway.drivers.builders import engine as building
from headway.drivers.builders.base import BuildError, BuildSpec
from headway.drivers.builders.dockerfile import DockerfileBuilder
from headway.infra.hosts.base import StopMode
from headway.infra.hosts.command import Limits
from headway.kernel.errors import InvalidInput, OutOfMemory
from headway.kernel.failures.explanation import explain
from headway.kernel.failures.rule import Phase
from tests.integration.builders.imaging import image_spec_of, run_image
from tests.integration.builders.workspaces import lay_out
from tests.integration.worksite import CommandFailed, Worksite
from tests.support.docker.docker_engine import BASE_IMAGE, Engine

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(180)]

FROM = f"FROM {BASE_IMAGE}\n"
INERT = "$(touch /tmp/pwned) `id` \"quoted\" 'single' ; & | \\ --help"


def name_of(spec: BuildSpec) -> str:
    assert spec.image is not None
    return spec.image.name


async def build(site: Worksite, spec: BuildSpec, dockerfile: str, **files: str) -> str:
    workspace = lay_out(site, {"Dockerfile": dockerfile, **files})
    image = await DockerfileBuilder().build(site, workspace, spec)
    return image.reference


async def fails(site: Worksite, spec: BuildSpec, dockerfile: str, **files: str) -> str:
    """The last line of the log of a build that fails."""
    with pytest.raises(CommandFailed):
        await build(site, spec, dockerfile, **files)
    return (await site.log()).rstrip().rpartition("\n")[2]


async def test_an_image_is_known_by_its_id_with_what_it_declares(site: Worksite, docker_engine: Engine) -> None:
    spec = image_spec_of(site, docker_engine, labels={"headway.release": "r1"})
    dockerfile = FROM + "EXPOSE 8080/tcp 9000/udp\nVOLUME /data\nHEALTHCHECK CMD true\nCOPY hello /hello\n"
    workspace = lay_out(site, {"Dockerfile": dockerfile, "hello": "hi"})
    image = await DockerfileBuilder().build(site, workspace, spec)
    assert (image.name, image.ports, image.volumes, image.is_checked) == (name_of(spec), (8080,), ("/data",), True)
    assert run_image(docker_engine, image.reference, "cat", "/hello") == "hi"
    labels = json.loads(docker_engine.docker("inspect", "--format={{json .Config.Labels}}", image.reference))
    assert labels["headway.release"] == "r1"


async def test_the_log_tells_the_steps_by_headings_and_what_was_cached(site: Worksite, docker_engine: Engine) -> None:
    spec = image_spec_of(site, docker_engine)
    workspace = lay_out(site, {"Dockerfile": FROM + "RUN echo first && echo second >&2\nRUN true\n"})
    await DockerfileBuilder().build(site, workspace, spec)
    told = await site.log()
    heading = "[2/3] RUN echo first && echo second >&2\n"
    lines = told[told.index(heading) + len(heading) : told.index("[3/3] RUN true\n")].splitlines()
    assert sorted(lines) == ["first", "second"]  # two pipes: BuildKit may read either of them first
    assert "#" not in told
    await site.begin_again()
    await DockerfileBuilder().build(site, workspace, spec)
    assert "[2/3] RUN echo first && echo second >&2 (cached)\n[3/3] RUN true (cached)\n" in await site.log()


async def test_stages_and_arguments_are_inert_text(site: Worksite, docker_engine: Engine) -> None:
    arguments = {"TEXT": INERT, "LD_PRELOAD": "/tmp/evil.so", "DOCKER_HOST": "unix:///nowhere"}
    spec = image_spec_of(site, docker_engine, arguments=arguments, stage="wanted")
    dockerfile = f'{FROM.strip()} AS wanted\nARG TEXT\nRUN printf %s "$TEXT" > /text\nFROM scratch AS other\n'
    workspace = lay_out(site, {"Dockerfile": dockerfile})
    image = await DockerfileBuilder().build(site, workspace, spec)
    assert run_image(docker_engine, image.reference, "cat", "/text") == INERT
    assert not any(INERT in part for command in site.commands for part in command.stages[0].argv)
    await site.begin_again()
    unknown = image_spec_of(site, docker_engine, stage="$(touch /tmp/pwned)")
    with pytest.raises(CommandFailed):
        await DockerfileBuilder().build(site, workspace, unknown)
    assert 'target stage "$(touch /tmp/pwned)" could not be found' in (await site.log()).rstrip().rpartition("\n")[2]
    assert not Path("/tmp/pwned").exists()


async def test_a_secret_reaches_the_step_that_asks_and_is_in_no_layer_and_no_argument(
    site: Worksite, docker_engine: Engine
) -> None:
    secret = "s3cret-of-the-build\nin two lines"
    spec = image_spec_of(site, docker_engine, {"TOKEN": secret})
    dockerfile = FROM + "RUN --mount=type=secret,id=TOKEN wc -c < /run/secrets/TOKEN > /length\n"
    reference = await build(site, spec, dockerfile)
    assert int(run_image(docker_engine, reference, "cat", "/length")) == len(secret)
    archive = docker_engine.folder / "secret.tar"
    docker_engine.docker("save", f"--output={archive}", reference)
    assert b"s3cret-of-the-build" not in archive.read_bytes()
    archive.unlink()
    assert "s3cret" not in str([command.stages for command in site.commands])


@pytest.mark.parametrize(
    ("dockerfile", "told", "mend"),
    [
        (
            FROM + "RUN echo broken on purpose; exit 7\n",
            r"\[2/2\] RUN .* ended with exit status 7: broken on purpose",
            "",
        ),
        (FROM + "RUN exit 3\n", r"\[2/2\] RUN exit 3 ended with exit status 3", ""),
        ("FORM scratch\n", "dockerfile parse error .*unknown instruction: FORM", "mend that line"),
        (
            "FROM headway-test/not-there:local\n",
            r"headway-test/not-there:local cannot be fetched from its registry: .*Look at its name \(FROM",
            "",
        ),
        (FROM + "COPY nothing /\n", r'"/nothing": not found', ".dockerignore"),
        (
            FROM + "RUN sh -c 'git status'\n",
            "exit status 127: sh: .*git.*not found",
            "in the Dockerfile: RUN apt-get update && apt-get install -y git",
        ),
    ],
)
async def test_a_failing_build_ends_with_one_line_that_says_why(
    site: Worksite, docker_engine: Engine, dockerfile: str, told: str, mend: str
) -> None:
    spec = image_spec_of(site, docker_engine)
    last = await fails(site, spec, dockerfile)
    assert re.search(told, last), last
    found = explain(await site.log(), Phase.BUILD)
    assert mend in (found.advice if found is not None else "")
    assert (found is None) == (not mend)
    assert not (site.folder / "docker-configuration").exists()


async def test_a_dockerfile_that_is_not_there_or_leads_outside_is_refused(
    site: Worksite, docker_engine: Engine
) -> None:
    workspace = lay_out(site, {"app.py": ""}, links={"Dockerfile": "/etc/hostname", "out": "/etc"})
    with pytest.raises(BuildError, match="leads out of the repository"):
        await DockerfileBuilder().build(site, workspace, image_spec_of(site, docker_engine))
    with pytest.raises(BuildError, match="no file 'docker/Dockerfile'"):
        await DockerfileBuilder().build(
            site, workspace, image_spec_of(site, docker_engine, dockerfile="docker/Dockerfile")
        )
    with pytest.raises(BuildError, match="build context is no folder of the repository"):
        await DockerfileBuilder().build(site, workspace, image_spec_of(site, docker_engine, context="out"))
    with pytest.raises(InvalidInput, match="leads out of the repository"):
        await DockerfileBuilder().build(site, workspace, image_spec_of(site, docker_engine, context="../.."))


async def test_a_step_that_uses_too_much_memory_is_told_from_one_that_fails(
    site: Worksite, docker_engine: Engine
) -> None:
    limits = Limits(memory_bytes=96 << 20)
    spec = image_spec_of(site, docker_engine, build={"limits": limits})
    with pytest.raises(OutOfMemory, match="more memory than its bound of 96 MiB"):
        await build(site, spec, FROM + "RUN python3 -c \"x = b'x' * (300 << 20)\"\n")


async def test_a_kill_ends_the_steps_in_the_engine(site: Worksite, docker_engine: Engine) -> None:
    spec = image_spec_of(site, docker_engine)
    assert spec.image is not None
    dockerfile = FROM + "RUN (setsid sh -c 'trap \"\" TERM; sleep 611' &) ; sleep 612\n"
    task = asyncio.create_task(build(site, spec, dockerfile))
    while len(sleepers()) < 2:
        assert not task.done()
        await asyncio.sleep(0.02)
    await (await site.anchor()).stop(StopMode.KILL)
    name, data = site.undos[0]
    assert name == building.UNDO_BUILD
    await building.undo(site.host, spec.image.api, data)
    assert sleepers() == []
    with pytest.raises(CommandFailed):
        await task


def sleepers() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if text.startswith("sleep 61"):
            found.append(text)
    return found
