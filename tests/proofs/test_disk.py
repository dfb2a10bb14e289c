"""Two hundred deployments of three services under retention: what is kept is what the policy says, to the image and the
folder, and what is counted is what the engine counts itself. And servers, whose disks are kept clean in the same way.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.boxes import DOCKERFILE, boxed_web, boxing_panel
from tests.e2e.test_build_servers import Yard, connected
from tests.e2e.test_cli import succeed
from tests.support.docker.compose import SERVES, SLEEPS, Stack, as_file, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.machines.server_roots import MISSING, engine_on
from tests.support.panel.panel import Panel, commit, git_repository, until, web

pytestmark = pytest.mark.docker

PATIENCE = float(os.environ.get("PATIENCE", "300"))
DEPLOYMENTS = int(os.environ.get("DEPLOYMENTS", "200"))
KEPT = 5
KEPT_RECORDS = 20
BOUND = 20 << 20
# Of each version something of its own, so that an image that is left behind shows.
MEGABYTE = 'RUN python3 -c \'import os; open("/noise", "wb").write(os.urandom(1 << 20))\' # VERSION\n'
# Something in a volume, and something in the container itself.
WRITES: Mapping[str, Any] = {
    **SLEEPS,
    "command": ["sh", "-c", "head -c 3000000 /dev/urandom > /data/x; cp /data/x /y; exec sleep 100000"],
    "volumes": ["data:/data"],
}
SIZE = re.compile(r"([0-9.]+)(B|kB|MB|GB)")
UNITS: Mapping[str, float] = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}
Json = Any


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="headway-disk-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture
def engine(folder: Path) -> Iterator[Engine]:
    """One of the proof's own: all that it holds is this panel's."""
    started = Engine(folder / "engine")
    try:
        started.start()
        started.load_base_image()
        yield started
    finally:
        started.remove()


@pytest.fixture
def site(folder: Path, engine: Engine) -> Iterator[Panel]:
    kept = {"HEADWAY_KEEP_RELEASES": str(KEPT), "HEADWAY_KEEP_DEPLOYMENTS": str(KEPT_RECORDS)}
    quick = {"HEADWAY_DRAIN_TIME": "0", "HEADWAY_SETTLE_TIME": "0.1", "HEADWAY_BUILD_CACHE": "40MiB"}
    with boxing_panel(folder / "data", engine, **kept, **quick) as panel:
        yield panel


def test_what_is_kept_is_the_policy_and_what_is_counted_is_what_is_there(
    site: Panel, engine: Engine, folder: Path
) -> None:
    native_id = site.application(git_repository(folder / "native", web("v")), name="native", builder="native")
    boxed_id = site.application(git_repository(folder / "boxed", boxed_web("v")), name="boxed")
    composed = stack(site, engine, "composed")
    git_repository(folder / "composed", files_of_compose("v"))
    composed.change(sourceType="git", customGitUrl=f"file://{folder / 'composed'}", composePath="./compose.yml")
    ended: dict[str, list[str]] = {native_id: [], boxed_id: [], composed.compose_id: []}
    begin: Callable[[], str]
    for number in range(DEPLOYMENTS):
        version, broken = f"v{number}", number % 10 in {7, 8, 9}
        match number % 3:
            case 0:
                subject, begin = native_id, partial(site.deploy, native_id)
                files = {"Procfile": "web: false\n"} if broken else web(version)
                commit(folder / "native", files, version)
            case 1:
                subject, begin = boxed_id, partial(site.deploy, boxed_id)
                commit(folder / "boxed", boxed_web(version, dockerfile(version, broken=broken)), version)
            case _:
                subject, begin = composed.compose_id, composed.begin
                commit(folder / "composed", files_of_compose(version, broken=broken), version)
        row = site.ended(begin(), PATIENCE)
        assert row["status"] == ("error" if broken else "done"), (row["errorMessage"], broken)
        ended[subject] += [] if broken else [row["deploymentId"]]
    newest = {subject: set(ids[-KEPT:]) for subject, ids in ended.items()}

    until(lambda: kept(site, engine, native_id, boxed_id, composed) == newest, 60, what=f"only {newest} is kept")
    would = site.post("disk.clean", dryRun=True)
    assert [item for item in would["items"] if item["kind"] != "buildCache"] == [], "retention has left nothing to do"
    until(lambda: len(site.get("deployment.all", applicationId=native_id)) <= KEPT_RECORDS + KEPT, 90, what="records")
    compare(site, engine)

    site.post("disk.clean")
    assert site.post("disk.clean", dryRun=True)["items"] == []
    compare(site, engine)
    assert kept(site, engine, native_id, boxed_id, composed) == newest
    for name in ("native", "boxed"):
        assert site.visit(name).text.startswith("v")
    print(f"\n{DEPLOYMENTS} deployments of 3 services, 3 in 10 failing: kept are the newest {KEPT} of each")


@pytest.mark.root
@pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")
def test_of_servers_what_nobody_needs_goes_and_what_serves_or_is_being_built_stays(folder: Path) -> None:
    given = {"HEADWAY_BUILD_CACHE": f"{BOUND >> 20}MiB", "HEADWAY_KEEP_RELEASES": "2"}
    given["HEADWAY_DOCKER_HOST"] = f"unix://{folder / 'none.sock'}"
    with (
        connected(folder, **given) as yard,
        engine_on(yard.builder) as builds,
        engine_on(yard.target) as runs,
    ):
        repository = folder / "boxed"
        application_id = yard.application(git_repository(repository, boxed_web("v0")), "boxed", builder="dockerfile")
        yard.panel.done(yard.panel.deploy(application_id), PATIENCE)
        commit(repository, boxed_web("v1", heavy("one")), "v1")
        before = yard.panel.done(yard.panel.deploy(application_id), PATIENCE)
        stays = sorted(tags_of(runs, "headway-*/boxed"))
        assert len(stays) == 2, "the releases that are kept"
        left, others = leave(builds, runs, stays)
        nobody_else_sees(yard.panel)
        assert left in tags_of(builds, "headway-*/*")

        of_builder = servers(yard.panel)["builder"]
        print(f"\nbefore: {of_builder}")
        assert (of_builder["cache"] > BOUND, of_builder["left"] > 3_000_000) == (True, True)
        is_said(yard, left, stays[0])
        commit(repository, boxed_web("v2", heavy("two", "RUN sleep 15\n")), "v2")
        deployment_id = yard.panel.deploy(application_id)
        yard.panel.running(deployment_id, "sleep 15", PATIENCE)
        print(succeed(yard.panel, "disk", "clean", "--yes", COLUMNS="120"))
        assert yard.panel.one(deployment_id)["status"] == "running"
        yard.panel.done(deployment_id, PATIENCE)
        assert yard.visit(application_id).text == "v2", "what went meanwhile took nothing from the build"
        for engine in (builds, runs):
            assert left not in tags_of(engine, "headway-*/*")
            assert {*others} <= {*tags_of(engine, "*"), *tags_of(engine, "*/*")}
            assert engine.docker("volume", "ls", "--quiet", "--filter=name=unused").split() == ["unused"]
        assert dangling(builds) == []

        yard.panel.post("disk.clean")
        assert tags_of(builds, "headway-*/boxed") == others[1:]
        assert len({*stays} & {*tags_of(runs, "headway-*/boxed")}) == 1, "beside the new one one of before is kept"
        of_builder = servers(yard.panel)["builder"]
        print(f"after: {of_builder}")
        assert (of_builder["cache"] <= BOUND, of_builder["left"]) == (True, 0)
        yard.panel.post("rollback.rollback", rollbackId=before["rollbackId"])
        until(lambda: yard.visit(application_id).text == "v1", 60, what="the release before is whole")


@pytest.mark.root
@pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")
def test_of_a_build_server_caches_without_an_engine_are_bounded_and_none_that_a_build_uses(folder: Path) -> None:
    fills = "test -f $HOME/kept || head -c 30000000 /dev/urandom >$HOME/kept"
    keeps = f"{fills}; echo waits; sleep SECONDS; cat $HOME/kept >/dev/null"
    with connected(folder, HEADWAY_BUILD_CACHE=f"{BOUND >> 20}MiB") as yard:
        panel, url = yard.panel, git_repository(folder / "native", web("v"))
        idle = yard.application(url, "idle", builder="native", buildCommand=keeps.replace("SECONDS", "0"))
        busy = yard.application(url, "busy", builder="native", buildCommand=keeps.replace("SECONDS", "15"), here=True)
        panel.done(panel.deploy(idle), PATIENCE)
        deployment_id = panel.deploy(busy)
        panel.running(deployment_id, "waits", PATIENCE)
        told = servers(panel)["builder"]
        assert {each["serviceId"] for each in told["caches"] if each["bytes"] > BOUND} == {idle, busy}
        assert [item["name"] for item in panel.post("disk.clean")["items"]] == ["idle"]
        assert (caches(yard), panel.one(deployment_id)["status"]) == ({busy}, "running")
        panel.done(deployment_id, PATIENCE)

        assert [item["name"] for item in panel.post("disk.clean")["items"]] == ["busy"]
        assert caches(yard) == set()
        panel.done(panel.deploy(idle), PATIENCE)
        assert (caches(yard), yard.visit(idle).text) == ({idle}, "v")
        panel.post("application.delete", applicationId=idle)
        told = servers(panel)["builder"]
        assert (told["caches"], told["left"] > BOUND) == ([], True)
        assert [item["why"] for item in panel.post("disk.clean")["items"]] == ["its application is no more"]
        assert caches(yard) == set()


def caches(yard: Yard) -> set[str]:
    """The applications of which the server that builds keeps something."""
    return {path.name for path in yard.builder.root.glob("var/lib/headway/*.work/caches/*")}


def leave(builds: Engine, runs: Engine, stays: list[str]) -> tuple[str, list[str]]:
    """Leaves in both engines an image of a release that there never was, one without a name, and a volume that nothing
    uses, and in that which builds a copy of what is released with the other; gives the first one's name, and those of
    images that are nothing of ours.
    """
    builds.docker("tag", BASE_IMAGE, stays[0])
    repository = stays[0].partition(":")[0]
    left, others = f"{repository}:r-gone", ["mine:1", f"headway-other/{repository.partition('/')[2]}:r-gone"]
    label = f"headway.panel={repository.partition('/')[0].removeprefix('headway-')}"  # as where it is released
    for engine in (builds, runs):
        for name in others:
            engine.docker("tag", BASE_IMAGE, name)
        engine.docker("volume", "create", f"--label={label}", "unused")
        for name, version in ((left, 0), ("nameless", 1), ("nameless", 2)):
            text = f"FROM {BASE_IMAGE}\nLABEL {label}\nRUN head -c 4000000 /dev/urandom >/{version}\n"
            engine.docker("build", "--quiet", f"--tag={name}", "-", stdin=text.encode())
    return left, others


def nobody_else_sees(panel: Panel) -> None:
    """The owner of another organisation is told of no server, and cleans none."""
    other = panel.post("organization.create", name="Other")
    with httpx.Client(base_url=panel.client.base_url, headers={"x-api-key": other["apiKey"]}, timeout=60) as client:
        seen, cleaned = client.get("/disk.usage").json(), client.post("/disk.clean", json={}).json()
    assert (seen["services"], seen["servers"]) == ([], [])
    assert (cleaned["items"], cleaned["servers"]) == ([], [])


def is_said(yard: Yard, left: str, copy: str) -> None:
    """What would go, and nothing else would."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in yard.panel.post("disk.clean", dryRun=True)["items"]:
        found[item["serverId"], item["kind"]].append(item["name"])
    for server_id, names in ((yard.builder_id, {left, copy}), (yard.target_id, {left})):
        assert names <= {*found[server_id, "image"]}
        assert len(found.pop((server_id, "image"))) == len(names) + 1, "these, and the one without a name"
    assert set(found) <= {(yard.builder_id, "buildCache"), (yard.target_id, "buildCache")}
    assert found[yard.builder_id, "buildCache"]
    lines = succeed(yard.panel, "disk", "clean", "--dry-run", COLUMNS="200").splitlines()
    assert {line.split()[1] for line in lines if left in line} == {"builder", "target"}


def servers(panel: Panel) -> dict[str, Json]:
    """What is told of each server, by its name."""
    return {each["name"]: each for each in panel.get("disk.usage", fresh=True)["servers"]}


def heavy(version: str, more: str = "") -> str:
    """A Dockerfile with a step of which more is kept than the bound, and of each version another."""
    step = f'RUN python3 -c \'import os; open("/ballast", "wb").write(os.urandom(30 << 20))\' # {version}\n'
    return DOCKERFILE.replace("EXPOSE", f"{step}{more}EXPOSE")


def kept(site: Panel, engine: Engine, native_id: str, boxed_id: str, composed: Stack) -> dict[str, set[str]]:
    """By service what is there of its releases, wherever that is: rows, folders and images must agree."""
    of_native = {row["releaseId"] for row in site.get("release.all", applicationId=native_id)}
    of_boxed = {row["releaseId"] for row in site.get("release.all", applicationId=boxed_id)}
    folders = {path.name for path in (site.work / "releases" / native_id).iterdir()}
    tags = {tag.partition(":r-")[2] for tag in tags_of(engine, "headway-*/boxed")}
    own = site.work / "composes" / composed.compose_id
    of_compose = {path.name for path in own.iterdir()} - {"files"}
    images = tags_of(engine, "headway-compose/*/web")
    if folders != of_native or tags != of_boxed or len(images) != len(of_compose) or dangling(engine):
        return {"": {*folders, "|", *tags, *images, *of_compose, *dangling(engine)}}
    return {native_id: of_native, boxed_id: of_boxed, composed.compose_id: of_compose}


def compare(site: Panel, engine: Engine) -> None:
    """The accounted sum beside the engine's own."""
    shown = site.get("disk.usage", fresh=True)
    machine = shown["machine"]
    parts = ("images", "containers", "volumes")
    mine = sum(row[part] for row in shown["services"] for part in parts)
    counted = mine + machine["shared"] + machine["foreign"] + machine["cache"]
    told = sum(bytes_of(json.loads(line)["Size"]) for line in df(engine))
    off = abs(counted - told) / told
    print(f"\ncounted {counted / 1e6:.1f} MB, docker system df says {told / 1e6:.1f} MB: {off:.2%} apart")
    for row in shown["services"]:
        print(
            f"  {row['name']}: " + ", ".join(f"{part} {row[part] / 1e6:.1f}" for part in (*parts, "releases", "logs"))
        )
    print(f"  shared {machine['shared'] / 1e6:.1f}, cache {machine['cache'] / 1e6:.1f}, of nobody {machine['foreign']}")
    assert off < 0.02


def df(engine: Engine) -> list[str]:
    """``docker system df`` as lines of JSON: the sums of ``-v``."""
    return engine.docker("system", "df", "--format=json").splitlines()


def bytes_of(text: str) -> float:
    match = SIZE.fullmatch(text)
    assert match, text
    return float(match[1]) * UNITS[match[2]]


def tags_of(engine: Engine, repository: str) -> list[str]:
    shown = engine.docker("image", "ls", f"--filter=reference={repository}", "--format={{.Repository}}:{{.Tag}}")
    return shown.split()


def dangling(engine: Engine) -> list[str]:
    return engine.docker("image", "ls", "--quiet", "--filter=dangling=true").split()


def dockerfile(version: str, *, broken: bool = False) -> str:
    text = DOCKERFILE.replace("EXPOSE", MEGABYTE.replace("VERSION", version) + "EXPOSE")
    return text.replace('"/app.py"]', '"/nowhere.py"]') if broken else text


def files_of_compose(version: str, *, broken: bool = False) -> dict[str, str]:
    """A repository with a compose file whose service is built."""
    service = {key: value for key, value in SERVES.items() if key != "image"}
    if broken:
        service["command"] = ["sh", "-c", "exit 3"]
    text = f"FROM {BASE_IMAGE}\n" + MEGABYTE.replace("VERSION", version)
    file = as_file(volumes={"data": {}}, web={**service, "build": "."}, db=WRITES)
    return {"compose.yml": file, "Dockerfile": text}
