"""On a server and by a build server the same as here: one repository has the same steps, the same words about its
language and the same answer wherever it is built and serves, and a language is fetched once on each machine.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_build_servers import Yard, connected
from tests.e2e.test_toolchains import DENO, FILES, PROGRAM
from tests.support.machines.namespaces import ends
from tests.support.machines.server_roots import MISSING
from tests.support.panel.panel import commit, git_repository
from tests.support.toolchains.toolchain_registry import ToolchainRegistry, packed, toolchain_registry

pytestmark = [pytest.mark.root, pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")]

# A place, and how many machines a deploy there is built and released on.
PLACES = {"here": 1, "server": 1, "build server": 2}
VERSIONS = tuple(f"99.{number}.0" for number in range(len(PLACES)))
CARRIED = ("unpack",)  # what a source is done to that came by a cable
SECONDS = 120


@pytest.fixture(scope="module")
def registry() -> Iterator[ToolchainRegistry]:
    with toolchain_registry(ends(0)[0]) as opened:
        for version in VERSIONS:
            opened.publish(DENO, version, packed({"deno": PROGRAM.replace("VERSION", version)}))
        yield opened


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory, registry: ToolchainRegistry) -> Iterator[Yard]:
    with connected(tmp_path_factory.mktemp("toolchains"), HEADWAY_NPM_REGISTRY=registry.url) as yard:
        route = ("ip", "route", "add", "default", "via", ends(1)[0])  # to the registry, which is at the other cable
        subprocess.run([*yard.target.within, *route], check=True)
        yield yard


def made(yard: Yard, place: str, url: str, name: str) -> str:
    """An application at a place; its id."""
    if place == "here":
        return yard.panel.application(url, name)
    application_id = yard.application(url, name)
    if place == "server":
        yard.panel.post("application.update", applicationId=application_id, buildServerId=None)
    return application_id


def test_a_repository_is_the_same_wherever_it_is_built_and_a_language_is_fetched_once_there(
    yard: Yard, registry: ToolchainRegistry, tmp_path: Path
) -> None:
    running, said = yard.panel, {}
    for number, (place, machines) in enumerate(PLACES.items()):
        version = VERSIONS[number]
        package, repository = f"/{DENO}/-/{version}.tgz", tmp_path / f"git-{number}"
        url = git_repository(repository, FILES | {".tool-versions": f"deno {version}\n"})
        application_id = made(yard, place, url, f"first-{number}")
        row = running.done(running.deploy(application_id), SECONDS)
        assert yard.visit(application_id).status_code == 200
        fetched = registry.asked[package]
        said[place] = (
            [step["name"] for step in row["steps"] if step["name"] not in CARRIED],
            alike(running.deployment_log(row["deploymentId"]), version),
        )

        commit(repository, {"version": "two"}, "second")
        running.done(running.deploy(application_id), SECONDS)
        other = made(yard, place, url, f"other-{number}")
        running.done(running.deploy(other), SECONDS)
        more = registry.asked[package] - fetched
        print(f"\n{place}: fetched {fetched} times for {machines} machines, {more} times by two deploys more")
        assert (1 <= fetched <= machines, more) == (True, 0)
        for each in (application_id, other):
            running.post("application.delete", applicationId=each)
    assert said["server"] == said["here"]
    print(said["build server"])


def alike(log: str, version: str) -> list[str]:
    """The lines about languages and what was found, as they are for every version and machine."""
    lines = [line for line in log.splitlines() if re.match(r"(?:Deno|Python|Node|Detected|Found|Start|Build)", line)]
    return [line.replace(version, "VERSION") for line in lines]
