"""Settings are read as they were dumped: in records, or side by side as before there were any."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from headway.drivers.buildplan.settings import FIRST, BuildSettings
from headway.features.services.application.model import AppSettings, Attached, OpenedPort
from headway.features.services.compose.model import ComposeSettings
from headway.features.services.uploads_model import Archive

_ARCHIVE: dict[str, Any] = {"digest": "d", "name": "shop.zip", "bytes": 3, "entries": 1, "author": "ann"}

# Every setting of before, with a value that is no default, and where it is now.
OF_APPLICATIONS: dict[str, tuple[Any, str]] = {
    "source_type": ("drop", "source_type"),
    "git_url": ("https://git.example/shop", "git.url"),
    "guarded": (True, "git.guarded"),
    "git_branch": ("main", "git.branch"),
    "git_tag": ("v1", "git.tag"),
    "git_commit": ("c" * 40, "git.commit"),
    "build_path": ("/web", "git.path"),
    "submodules": (True, "git.submodules"),
    "ssh_key_id": ("key", "git.ssh_key_id"),
    "build_type": ("static", "tool.build_type"),
    "builder": ("native", "tool.builder"),
    "dockerfile": ("Other", "tool.dockerfile"),
    "docker_context": ("ctx", "tool.context"),
    "docker_stage": ("last", "tool.stage"),
    "clean_cache": (True, "tool.clean_cache"),
    "engine_fetch": (True, "engine_fetch"),
    "heroku_version": ("22", "tool.heroku_version"),
    "railpack_version": ("0.1", "tool.railpack_version"),
    "image": ("nginx", "docker.image"),
    "image_guarded": (True, "docker.guarded"),
    "registry_id": ("reg", "docker.registry_id"),
    "registry_url": ("r.example", "docker.registry_url"),
    "registry_username": ("ann", "docker.username"),
    "registry_password": ("hidden", "docker.password"),
    "command": ("serve", "run.command"),
    "arguments": (["-x"], "run.arguments"),
    "cpus": (0.5, "limits.cpus"),
    "image_port": (81, "run.image_port"),
    "takes_requests": (False, "run.takes_requests"),
    "delete_volumes": (True, "run.delete_volumes"),
    "restart": ("never", "run.restart"),
    "restarts": (3, "run.restarts"),
    "runtime": ("swarm", "run.runtime"),
    "replicas": (2, "run.replicas"),
    "placement": ({"Constraints": ["a"]}, "run.placement"),
    "own_check": ({"Test": ["NONE"]}, "health.own_check"),
    "reserved_cpus": (0.1, "limits.reserved_cpus"),
    "reserved_memory_bytes": (5, "limits.reserved_memory_bytes"),
    "health_path": ("/up", "health.path"),
    "health_deadline_seconds": (9.0, "health.deadline_seconds"),
    "settle_seconds": (1.0, "health.settle_seconds"),
    "drain_seconds": (2.0, "health.drain_seconds"),
    "step_seconds": (3.0, "deadlines.step_seconds"),
    "inactivity_seconds": (4.0, "deadlines.inactivity_seconds"),
    "total_seconds": (5.0, "deadlines.total_seconds"),
    "memory_bytes": (6, "limits.memory_bytes"),
    "scale": ({"web": 2}, "run.scale"),
    "port": (8080, "run.port"),
    "loopback": ([5432], "run.loopback"),
    "drop_build_path": ("/sub", "drop.path"),
    "build_args": ("A=1", "variables.build_args"),
    "build_secrets": ("B=2", "variables.build_secrets"),
    "open_variables": (["OPEN"], "variables.open"),
    "secret_variables": (["SHUT"], "variables.secret"),
    "keep_deployments": (7, "retention.deployments"),
    "keep_days": (8.0, "retention.days"),
    "keep_releases": (9, "retention.releases"),
    "keep_releases_days": (10.0, "retention.releases_days"),
    "keep_releases_bytes": (11, "retention.releases_bytes"),
    "auto_deploy": (False, "hooks.auto_deploy"),
    "trigger_type": ("tag", "hooks.trigger_type"),
    "watch_paths": (["src/**"], "hooks.watch_paths"),
    "newest_wins": (False, "hooks.newest_wins"),
    "webhook_secret": ("very hidden", "hooks.secret"),
    "extra": ({"title": "t"}, "extra"),
}
OF_COMPOSES: dict[str, tuple[Any, str]] = {
    "compose_type": ("stack", "compose_type"),
    "compose_file": ("services: {}", "compose_file"),
    "file_guarded": (True, "file_guarded"),
    "compose_path": ("./other.yml", "compose_path"),
    "registry_ids": (["reg"], "registry_ids"),
    "create_env_file": (False, "create_env_file"),
    "host_access": (True, "host_access"),
    "published": (False, "published"),
}
SHARED = (
    *("source_type", "git_url", "guarded", "git_branch", "git_tag", "git_commit", "ssh_key_id", "submodules"),
    *("engine_fetch", "health_deadline_seconds", "settle_seconds", "step_seconds", "inactivity_seconds"),
    *("total_seconds", "keep_releases", "keep_releases_days", "auto_deploy", "trigger_type", "watch_paths"),
    *("newest_wins", "webhook_secret", "extra"),
)


def told(settings: AppSettings | ComposeSettings) -> dict[str, Any]:
    """Every setting by its place."""
    found: dict[str, Any] = {}
    for each in fields(settings):
        value = getattr(settings, each.name)
        inner = {} if each.name == "build" or not hasattr(value, "__dataclass_fields__") else fields(value)
        found |= {f"{each.name}.{one.name}": getattr(value, one.name) for one in inner} or {each.name: value}
    return found


def test_an_applications_settings_of_before_are_all_there() -> None:
    flat = {name: value for name, (value, _) in OF_APPLICATIONS.items()}
    mount: dict[str, Any] = {
        "mount_id": "m",
        "kind": "bind",
        "target": "/x",
        "source": "/y",
        "content": None,
        "file_path": None,
    }
    port: dict[str, Any] = {"port_id": "p", "outer": 1, "inner": 2, "protocol": "tcp", "mode": "host", "address": ""}
    build = {"start": "./run", "keep": ["storage"]}
    read = AppSettings.load({**flat, "mounts": [mount], "published": [port], "build": build, "archive": _ARCHIVE})
    wanted = {place: value for value, place in OF_APPLICATIONS.values()} | {
        "run.mounts": (Attached(**mount),),
        "run.published": (OpenedPort(**port),),
        "build": BuildSettings(start="./run", keep=("storage",)),
        "drop.archive": Archive(**_ARCHIVE),
    }
    assert told(read) == wanted
    assert {place for place, value in told(AppSettings()).items() if wanted[place] == value} == set()
    assert AppSettings.load(json.loads(json.dumps(read.dump()))) == read


def test_a_compose_services_settings_of_before_are_all_there() -> None:
    given = {**{name: OF_APPLICATIONS[name] for name in SHARED}, **OF_COMPOSES}
    read = ComposeSettings.load({**{name: value for name, (value, _) in given.items()}, "archive": _ARCHIVE})
    wanted = {place: value for value, place in given.values()} | {"drop.archive": Archive(**_ARCHIVE)}
    rest = {"git.path", "drop.path", "retention.deployments", "retention.days", "retention.releases_bytes"}
    assert {place: value for place, value in told(read).items() if place not in rest} == wanted
    assert {place for place, value in told(ComposeSettings()).items() if wanted.get(place, ()) == value} == set()
    assert ComposeSettings.load(json.loads(json.dumps(read.dump()))) == read


def test_what_was_dumped_before_it_could_be_set_is_as_it_was_then() -> None:
    read = AppSettings.load({"git_url": "x", "start_command": "./run", "extra": {"isStaticSpa": True}})
    assert read.build == BuildSettings(start="./run", fallback=True, detection=FIRST)
    assert (read.engine_fetch, read.run.loopback) == (None, None)
    assert ComposeSettings.load({}).engine_fetch is None


@pytest.mark.parametrize("kind", [AppSettings, ComposeSettings])
def test_what_a_later_version_has_dumped_is_dropped(kind: type[AppSettings | ComposeSettings]) -> None:
    settings = kind()
    later = settings.dump()
    later["of_tomorrow"], later["git"]["of_tomorrow"] = 1, 2
    assert kind.load(later) == settings
