"""Every tool of the table, fetched from the real registries, says its version and does its work as a build would."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.toolchains.provision import provide
from headway.drivers.buildplan.toolchains.store import Provided
from headway.drivers.buildplan.toolchains.tools import TOOLS
from tests.integration.worksite import Worksite, open_worksite
from tests.support.toolchains.toolchain_stores import left_of, store_of

ASKED = (
    ("node", "20.11.1", "v20.11.1"),
    ("node", "lts/jod", "v22."),
    ("npm", "9", "9."),
    ("yarn", "1.22.22", "1.22.22"),
    ("yarn", "3", "3."),
    ("yarn", "4", "4."),
    ("pnpm", "8", "8."),
    ("pnpm", "10", "10."),
    ("pnpm", "12", "12."),
    ("bun", "1.2", "1.2."),
    ("deno", "2.2", "deno 2.2."),
    ("uv", "0.9.9", "uv 0.9.9"),
    ("poetry", "2", "Poetry (version 2."),
    ("pipenv", "", "pipenv, version "),
    ("pdm", "2.20", "PDM, version 2.20"),
    ("go", "1.25", "go version go1.25."),
    ("hugo", "0.150.0", "hugo v0.150.0-"),
    ("hugo", "0.162.0", "hugo v0.162.0-"),
    ("hugo", "", "hugo v0."),
)
PACKAGE = '{"name": "x", "version": "1.0.0", "dependencies": {"ms": "2.1.3"}, "packageManager": "MANAGER"}'


@pytest.fixture
async def site() -> AsyncIterator[Worksite]:
    async with open_worksite() as opened:
        yield opened


@pytest.mark.parametrize(("tool", "wanted", "said"), ASKED)
async def test_a_tool_comes_at_its_version(site: Worksite, tool: str, wanted: str, said: str) -> None:
    provided = await provide(site, [Need(tool=tool, wanted=wanted, source="a file")], store_of(site))
    print(*provided.lines, sep="\n")
    assert run(site, provided, tool, TOOLS[tool].asked).startswith(said)
    assert left_of(store_of(site)) == []


@pytest.mark.parametrize(
    ("manager", "other", "install"),
    [
        ("pnpm@10", "pnpm@9.0.0", ("pnpm", "install")),
        ("pnpm@11", "pnpm@9.0.0", ("pnpm", "install")),
        ("yarn@4", "yarn@4.0.0", ("yarn", "install")),
        ("yarn@3", "yarn@4.0.0", ("yarn", "install")),
        ("yarn@2.4.3", "yarn@4.0.0", ("yarn", "install")),
        ("yarn@1", "yarn@4.0.0", ("yarn", "install")),
        ("npm@10", "pnpm@9.0.0", ("npm", "install")),
        ("bun@1", "pnpm@9.0.0", ("bun", "install")),
    ],
)
async def test_a_manager_installs_and_fetches_no_other_of_itself(
    site: Worksite, manager: str, other: str, install: tuple[str, ...]
) -> None:
    tool, _, wanted = manager.partition("@")
    needs = [Need(tool=tool, wanted=wanted), Need(tool="node", wanted="22")]
    provided = await provide(site, needs, store_of(site))
    folder = of_build(site, {"package.json": PACKAGE.replace("MANAGER", other)})
    run(site, provided, *install, cwd=folder)
    assert run(site, provided, "node", "-p", "require('ms')(60000)", cwd=folder) == "1m"


async def test_go_builds(site: Worksite) -> None:
    provided = await provide(site, [Need(tool="go", wanted=">=1.24", source="go.mod")], store_of(site))
    source = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hello") }\n'
    folder = of_build(site, {"go.mod": "module x\n\ngo 1.24\n", "main.go": source})
    run(site, provided, "go", "build", "-o", "x", ".", cwd=folder)
    assert run(site, provided, "./x", cwd=folder) == "hello"


def of_build(site: Worksite, files: dict[str, str]) -> Path:
    """A folder of the build account's."""
    folder = site.folder / "work"
    folder.mkdir(mode=0o755)
    for name, text in files.items():
        (folder / name).write_text(text)
    if site.build is not None:
        for path in (folder, *folder.iterdir()):
            os.chown(path, site.build.uid, site.build.gid)
    return folder


def run(site: Worksite, provided: Provided, *argv: str, cwd: Path = Path("/")) -> str:
    """What a program says in a build."""
    env = {"PATH": ":".join([*provided.path, "/usr/bin", "/bin"]), "HOME": str(cwd), "YARN_NODE_LINKER": "node-modules"}
    who: dict[str, Any] = {}
    if site.build is not None:
        who = {"user": site.build.uid, "group": site.build.gid, "extra_groups": []}
    done: subprocess.CompletedProcess[str] = subprocess.run(
        argv,
        env={**env, **provided.env, **provided.build_env},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        **who,
    )
    assert done.returncode == 0, (argv, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout.strip()
