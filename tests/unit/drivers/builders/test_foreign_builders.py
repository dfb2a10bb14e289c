"""What is typed for builders of others: whole command lines."""

from __future__ import annotations

from dataclasses import replace

from headway.drivers.builders import nixpacks, railpack
from headway.drivers.builders.base import BuildSpec, ImageSpec
from headway.drivers.builders.buildpacks import BuildpacksBuilder
from headway.drivers.builders.registry import BUILDERS
from headway.drivers.buildplan.settings import BuildSettings
from headway.infra.docker.api import DockerApi, unix_socket
from headway.infra.docker.cli import Docker, ImageBuild, Typed
from headway.infra.hosts.command import Account, Command, Limits, Stage
from headway.kernel.artifacts import Workspace
from headway.kernel.secret import Secret

WORKSPACE = Workspace(root="/w", folder="/w/app")
ACCOUNT = Account(uid=7, gid=7)
IMAGE = ImageSpec(
    api=DockerApi(unix_socket("/nowhere")),
    cli=Docker(host="unix:///run/docker.sock", configuration="/c"),
    name="headway-p/shop:r-1",
    group="app1",
    secrets={"TOKEN": Secret("t")},
    arguments={"ARG": "a"},
)
SPEC = BuildSpec(
    cache_folder="/cache",
    settings=BuildSettings(build="make all; echo $HOME"),
    variables={"KEY": Secret("k"), "NIXPACKS_START_CMD": Secret("./run")},
    account=ACCOUNT,
    limits=Limits(memory_bytes=1 << 30),
    step_seconds=60,
    inactivity_seconds=30,
    image=IMAGE,
)
ENV = {
    "HOME": "/cache",
    "LANG": "C.UTF-8",
    "KEY": "k",
    "NIXPACKS_START_CMD": "./run",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}


def typed(*argv: str) -> Command:
    return Command(
        stages=(Stage(argv=argv, account=ACCOUNT),),
        env=ENV,
        cwd="/w/app",
        limits=Limits(memory_bytes=1 << 30),
        step_seconds=60,
        inactivity_seconds=30,
    )


def test_nixpacks_writes_its_plan_under_the_build_account_without_values_in_its_arguments() -> None:
    assert nixpacks.plan_command(WORKSPACE, SPEC, "/cache/nixpacks") == typed(
        *("nixpacks", "build", "/w/app", "--out", "/cache/nixpacks"),
        *("--env", "KEY", "--env", "NIXPACKS_START_CMD"),
        *("--build-cmd", "make all; echo $HOME"),
    )


def test_the_image_of_nixpacks_takes_every_variable_as_an_argument() -> None:
    assert nixpacks.describe(SPEC, IMAGE, "/cache/nixpacks") == ImageBuild(
        context="/cache/nixpacks",
        dockerfile="/cache/nixpacks/.nixpacks/Dockerfile",
        tag="headway-p/shop:r-1",
        arguments={"KEY": "k", "NIXPACKS_START_CMD": "./run", "ARG": "a"},
        secrets={"TOKEN": Secret("t")},
    )


def test_railpack_writes_its_plan() -> None:
    assert railpack.plan_command(WORKSPACE, SPEC, "/cache/plan.json") == typed(
        *("railpack", "prepare", "/w/app", "--plan-out", "/cache/plan.json"),
        *("--env", "KEY", "--env", "NIXPACKS_START_CMD"),
        *("--build-cmd", "make all; echo $HOME"),
    )


def test_the_image_of_railpack_has_every_variable_as_a_secret_and_follows_their_values() -> None:
    build = railpack.describe(WORKSPACE, SPEC, IMAGE, "/cache/plan.json")
    assert build == ImageBuild(
        context="/w/app",
        dockerfile="/cache/plan.json",
        tag="headway-p/shop:r-1",
        front_end="ghcr.io/railwayapp/railpack-frontend",
        arguments={"ARG": "a", "secrets-hash": build.arguments["secrets-hash"], "cache-key": IMAGE.group},
        secrets={"KEY": Secret("k"), "NIXPACKS_START_CMD": Secret("./run"), "TOKEN": Secret("t")},
    )
    other = BuildSpec(cache_folder="/cache", variables={"KEY": Secret("other")}, image=IMAGE)
    assert railpack.describe(WORKSPACE, other, IMAGE, "p").arguments["secrets-hash"] != build.arguments["secrets-hash"]


def test_buildpacks_keep_their_cache_in_volumes_of_the_application() -> None:
    builder = BUILDERS["heroku_buildpacks"]
    assert isinstance(builder, BuildpacksBuilder)
    assert builder.typed(WORKSPACE, SPEC, IMAGE) == Typed(
        argv=(
            *("pack", "build", "headway-p/shop:r-1", "--path", "/w/app", "--builder", "heroku/builder:24"),
            *("--pull-policy", "if-not-present", "--trust-builder", "--no-color"),
            *("--cache", "type=build;format=volume;name=headway.cache.app1.build"),
            *("--cache", "type=launch;format=volume;name=headway.cache.app1.launch"),
            *("--env", "KEY", "--env", "NIXPACKS_START_CMD"),
        ),
        env=IMAGE.cli.with_engine({"KEY": "k", "NIXPACKS_START_CMD": "./run"}),
    )


def test_no_value_of_a_variable_is_an_argument_of_these_builders() -> None:
    spec = replace(
        SPEC, variables={"A": Secret("planted-1"), "PATH": Secret("planted-2"), "DOCKER_HOST": Secret("planted-3")}
    )
    for image in (IMAGE, replace(IMAGE, within="/headway/p/containers/open")):
        pack = [each for each in BUILDERS.values() if isinstance(each, BuildpacksBuilder)]
        plans = (nixpacks.plan_command(WORKSPACE, spec, "/o"), railpack.plan_command(WORKSPACE, spec, "/o"))
        argvs = [*(stage.argv for plan in plans for stage in plan.stages)]
        argvs += [each.typed(WORKSPACE, spec, image).argv for each in pack]
        assert len(argvs) > 2
        for argv in argvs:
            assert [argv[at + 1] for at, word in enumerate(argv) if word == "--env"] == ["A", "PATH", "DOCKER_HOST"]
            assert not any("planted-" in word for word in argv)


def test_buildpacks_reach_the_engine_by_a_door_that_says_where_their_containers_begin() -> None:
    builder = BUILDERS["heroku_buildpacks"]
    assert isinstance(builder, BuildpacksBuilder)
    plain = builder.typed(WORKSPACE, SPEC, IMAGE).argv
    argv = builder.typed(WORKSPACE, SPEC, replace(IMAGE, within="/headway/p/containers/open")).argv
    assert argv[:2] == ("perl", "-e")
    assert argv[3:] == ("--", "/run/docker.sock", "/c/door", "/headway/p/containers/open", "--", *plain)
