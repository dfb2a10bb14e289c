"""The commands that are typed for a compose service."""

from __future__ import annotations

from headway.drivers.runtimes.compose.commands import (
    Composing,
    Docker,
    Reader,
    asked_variables,
    resolve,
    unset_variables,
)
from headway.infra.hosts.command import Account, Limits, Stage

DOCKER = Docker(address="unix:///run/docker.sock", config_folder="/w/docker")
COMPOSING = Composing(docker=DOCKER, project="shop", folder="/w/shop", file=b"{}", variables={"KEY": "secret"})
READER = Account(uid=7, gid=7)
BOUND = Reader(home="/w/docker", account=READER, limits=Limits(memory_bytes=1 << 20, processes=9), seconds=3)
OWN = ("docker-compose", "--ansi=never", "--progress=plain", "--env-file=/dev/null")
START = (*OWN, "-p", "shop", "--project-directory", "/w/shop")
UP = (*START, "-f", "-", "up", "--detach", "--no-build", "--pull=never", "--quiet-pull", "--no-deps", "--no-color")


def test_up_brings_the_named_services_and_no_others() -> None:
    command = COMPOSING.up(["web", "-v"])
    assert command.stages == (Stage(argv=(*UP, "--", "web", "-v")),)
    assert command.stdin == b"{}"
    assert command.env == {"KEY": "secret", **DOCKER.env}


def test_beside_means_more_containers_and_none_made_anew() -> None:
    (stage,) = COMPOSING.up_beside({"web": 2}).stages
    assert stage.argv == (*UP, "--no-recreate", "--scale=web=2", "--", "web")


def test_the_file_is_checked_as_it_is_to_run() -> None:
    command = COMPOSING.check(BOUND)
    assert command.stages == (Stage(argv=(*START, "-f", "-", "config", "--quiet"), account=READER),)
    alone = {"HOME": "/w/docker", "DOCKER_CONFIG": "/w/docker", "DOCKER_HOST": "unix:///dev/null"}
    assert {name: command.env[name] for name in alone} == alone
    assert (command.env["KEY"], command.stdin) == ("secret", b"{}")
    assert (command.limits, command.step_seconds) == (BOUND.limits, 3)


def test_a_variable_of_a_secret_says_nothing_to_docker() -> None:
    deceiving = Composing(docker=DOCKER, project="p", folder="/f", file=b"", variables={"DOCKER_HOST": "tcp://evil"})
    assert deceiving.env["DOCKER_HOST"] == "unix:///run/docker.sock"


def test_the_file_is_read_by_its_account_which_has_no_engine() -> None:
    variables = {
        "A": "1",
        "LD_PRELOAD": "x",
        "DOCKER_HOST": "x",
        "COMPOSE_FILE": "x",
        "COMPOSE_PROFILES": "dev",
        "HOME": "x",
    }
    command = resolve("shop", "/t", "/t/c.yml", variables=variables, reader=BOUND)
    where = ("docker-compose", "--ansi=never", "-p", "shop", "--project-directory", "/t", "-f", "/t/c.yml", "config")
    assert command.stages == (Stage(argv=(*where, "--format=json"), account=READER),)
    assert (command.capture, command.limits, command.step_seconds) == (True, BOUND.limits, 3)
    assert {name: command.env.get(name) for name in variables} == {
        "A": "1",
        "LD_PRELOAD": None,
        "DOCKER_HOST": "unix:///dev/null",
        "COMPOSE_FILE": None,
        "COMPOSE_PROFILES": "dev",
        "HOME": "/w/docker",
    }


def test_variables_are_asked_for_without_any_being_set() -> None:
    command = asked_variables("shop", "/t", "/t/c.yml", reader=BOUND)
    assert command.stages[0].argv[-3:] == ("config", "--variables", "--format=json")
    assert command.env.keys() == {"PATH", "HOME", "LANG", "DOCKER_CONFIG", "DOCKER_HOST"}


def test_complaints_are_asked_for_with_the_file_as_an_argument() -> None:
    command = unset_variables("shop", "/t", "/t/$(id).yml", variables={"A": "1"}, reader=BOUND)
    argv = command.stages[0].argv
    assert (argv[:3], argv[-1]) == (("/bin/sh", "-c", 'exec "$@" 2>&1 >/dev/null'), "--quiet")
    assert "/t/$(id).yml" in argv
    assert command.env["A"] == "1"
