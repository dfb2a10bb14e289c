"""What is typed for Docker: whole command lines, one test for each option."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import Any

import pytest

from headway.infra.docker.cli import PATH, Docker, ImageBuild, Typed, exported
from headway.kernel.secret import Secret

DOCKER = Docker(host="unix:///run/docker.sock", configuration="/c")
ENV = {
    "PATH": PATH,
    "HOME": "/c",
    "TMPDIR": "/c",
    "LC_ALL": "C.UTF-8",
    "DOCKER_HOST": "unix:///run/docker.sock",
    "DOCKER_CONFIG": "/c",
    "BUILDX_CONFIG": "/c/buildx",
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    "BUILDX_GIT_INFO": "false",
    "DOCKER_CLI_HINTS": "false",
}
OF_BUILD = {**ENV, "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY": "/c/sources.json"}
BUILD = ImageBuild(context="/w", dockerfile="/w/Dockerfile", tag="headway-p/shop:r-1")
FIRST = ("docker-buildx", "build", "--progress=plain", "--provenance=false", "--tag=headway-p/shop:r-1")
HEAD = (*FIRST, "--file=/w/Dockerfile")
TAIL = ("--", "/w")
APART = ("/bin/sh", "-c", 'exec "$@" 3>&1 1>&2 2>&3 3>&-', "headway")


def test_a_build() -> None:
    assert DOCKER.build(BUILD) == Typed(argv=(*HEAD, *TAIL), env=OF_BUILD)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stage": "--push; id"}, ("--target=--push; id",)),
        ({"labels": {"headway.release": "r1"}}, ("--label=headway.release=r1",)),
        ({"group": "/headway/p/builds/a"}, ("--cgroup-parent=/headway/p/builds/a",)),
        ({"contexts": {"server": "/s"}}, ("--build-context=server=/s",)),
        ({"fresh": True}, ("--no-cache", "--pull")),
        ({"caches": "a"}, ("--build-arg=BUILDKIT_CACHE_MOUNT_NS=a",)),
        ({"front_end": "ghcr.io/x:1"}, ("--build-arg=BUILDKIT_SYNTAX=ghcr.io/x:1",)),
    ],
)
def test_an_option_of_a_build(change: dict[str, Any], words: tuple[str, ...]) -> None:
    assert DOCKER.build(replace(BUILD, **change)) == Typed(argv=(*HEAD, *words, *TAIL), env=OF_BUILD)


def test_a_dockerfile_of_our_own_is_read_from_the_standard_input() -> None:
    typed = DOCKER.build(ImageBuild(context="/w", tag="headway-p/shop:r-1", dockerfile_text="FROM scratch\n"))
    assert typed == Typed(argv=(*FIRST, "--file=-", *TAIL), env=OF_BUILD, stdin=b"FROM scratch\n")


def test_values_of_arguments_go_by_the_environment() -> None:
    typed = DOCKER.build(replace(BUILD, arguments={"VERSION": "$(id) `id`", "GOOGLE_KEY": "k"}))
    words = ("--build-arg=VERSION", "--build-arg=GOOGLE_KEY")
    assert typed == Typed(argv=(*HEAD, *words, *TAIL), env={"VERSION": "$(id) `id`", "GOOGLE_KEY": "k", **OF_BUILD})


@pytest.mark.parametrize("name", ["LD_PRELOAD", "DOCKER_HOST", "DOCKER_CONFIG", "PATH", "HOME", "PERL5OPT", "GODEBUG"])
def test_what_the_program_would_act_on_reaches_neither_its_environment_nor_its_arguments(name: str) -> None:
    typed = DOCKER.build(replace(BUILD, arguments={name: "/evil"}))
    assert typed == Typed(argv=(*HEAD, *TAIL), env=OF_BUILD)
    assert DOCKER.with_engine({name: "/evil", "FINE": "1"}) == {"FINE": "1", **ENV}


def test_a_secret_is_in_the_environment_under_a_name_of_ours_and_nowhere_else() -> None:
    typed = DOCKER.build(replace(BUILD, secrets={"LD_PRELOAD": Secret("s3cret")}))
    words = ("--secret=id=LD_PRELOAD,env=HEADWAY_SECRET_0",)
    assert typed == Typed(argv=(*HEAD, *words, *TAIL), env={"HEADWAY_SECRET_0": "s3cret", **OF_BUILD})
    assert "s3cret" not in repr(typed)


def test_a_login_has_its_password_from_the_standard_input() -> None:
    typed = DOCKER.login("registry.example.org", "--me", Secret("s3cret"))
    words = ("docker", "login", "--username=--me", "--password-stdin", "--", "registry.example.org")
    assert typed == Typed(argv=(*APART, *words), env=ENV, stdin=b"s3cret", capture=True)
    assert "s3cret" not in repr(typed)


def test_a_pull_and_a_push_cannot_be_given_options_for_names() -> None:
    for typed, verb in ((DOCKER.pull("--all-tags"), "pull"), (DOCKER.push("--all-tags"), "push")):
        assert typed == Typed(argv=(*APART, "docker", verb, "--", "--all-tags"), env=ENV, capture=True)


@pytest.mark.parametrize("folder", ["/srv/a", "/srv/a,dest=/elsewhere", "/srv/a,b", '/srv/a",type=moby,name="b'])
def test_a_folder_of_any_name_is_one_field_of_the_output(folder: str) -> None:
    """Its record is taken apart as the command line does it, by RFC 4180."""
    (record,) = csv.reader([exported(folder).removeprefix("--output=")])
    assert record == ["type=local", f"dest={folder}"]
