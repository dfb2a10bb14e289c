"""Node applications built with the machine's own Node, without a network."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from headway.drivers.builders.native import NativeBuilder, seal
from headway.kernel.artifacts import Process
from tests.integration.builders.workspaces import lay_out, spec_of, succeeds_as
from tests.integration.worksite import CommandFailed, Worksite
from tests.support.toolchains.toolchain_stores import store_of

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="this machine has no npm; .ci/run installs it")

BUILDER = NativeBuilder()
ROOT = {"name": "shop", "dependencies": {"greeting": "file:vendor/greeting"}}
LOCK = {
    "name": "shop",
    "lockfileVersion": 3,
    "requires": True,
    "packages": {
        "": ROOT,
        "node_modules/greeting": {"resolved": "vendor/greeting", "link": True},
        "vendor/greeting": {"version": "1.0.0"},
    },
}
FILES = {
    "package.json": json.dumps(ROOT | {"scripts": {"start": "node server.js"}}),
    "package-lock.json": json.dumps(LOCK),
    "server.js": "console.log(require('greeting'))",
    "vendor/greeting/package.json": '{"name": "greeting", "version": "1.0.0", "main": "index.js"}',
    "vendor/greeting/index.js": "module.exports = 'hello'",
}


async def test_dependencies_are_installed_as_locked_and_cached_outside_of_the_release(site: Worksite) -> None:
    workspace = lay_out(site, FILES)
    bundle = await BUILDER.build(site, workspace, spec_of(site))
    assert site.names == ["install"]
    assert bundle.processes == (Process(name="web", command="node server.js"),)
    assert (bundle.path, bundle.env) == (("node_modules/.bin",), {"NODE_ENV": "production"})
    assert (site.folder / "cache" / ".npm").is_dir()
    await site.command("seal", seal(workspace.root, build=site.build, run=site.runner))
    assert succeeds_as(site.runner, "node", "server.js", cwd=workspace.folder)


async def test_what_a_lock_file_lacks_is_told_and_installed(site: Worksite) -> None:
    """Where ``npm ci`` would refuse it."""
    package = json.dumps(ROOT | {"dependencies": {"other": "file:vendor/other"}, "main": "server.js"})
    other = {"vendor/other/package.json": '{"name": "other", "version": "1.0.0"}'}
    workspace = lay_out(site, FILES | other | {"package.json": package})
    await BUILDER.build(site, workspace, spec_of(site))
    assert any("out of step" in line and "other" in line for line in site.said), site.said
    assert (Path(workspace.folder) / "node_modules/other/package.json").is_file()


async def test_a_site_is_built_for_production_and_served_from_where_the_build_leaves_it(site: Worksite) -> None:
    script = 'mkdir dist && printf %s "$NODE_ENV" > dist/index.html'
    workspace = lay_out(site, {"package.json": json.dumps({"scripts": {"build": script}})})
    bundle = await BUILDER.build(site, workspace, spec_of(site))
    assert (bundle.static_root, bundle.processes) == ("dist", ())
    assert (Path(workspace.folder) / "dist/index.html").read_text() == "production"


async def test_a_build_script_that_fails_is_named(site: Worksite) -> None:
    workspace = lay_out(site, {"package.json": json.dumps({"scripts": {"build": "echo no luck; exit 3"}})})
    with pytest.raises(CommandFailed, match="no luck") as raised:
        await BUILDER.build(site, workspace, spec_of(site))
    assert raised.value.name == "build"


async def test_the_version_that_is_asked_for_is_used_in_the_build_and_at_run_time(site: Worksite) -> None:
    workspace = lay_out(site, FILES)
    bundle = await BUILDER.build(site, workspace, spec_of(site, toolchains=store_of(site)))
    assert [each.partition("/")[0] for each in bundle.toolchains] == ["npm", "node"]
    assert any(Path(folder, "node").exists() for folder in bundle.tool_path)
    assert [line for line in site.said if line.startswith("versions: ") and "npm " in line]


@pytest.mark.parametrize(
    "question",
    ['read answer; echo "answer: $answer"', "python3 -c 'input()'", "echo y > /dev/tty", "cat"],
)
async def test_a_build_that_asks_a_question_is_not_waited_for(site: Worksite, question: str) -> None:
    spec = spec_of(site, build_command=f"{question}; echo went on", start_command="x", inactivity_seconds=20)
    await BUILDER.build(site, lay_out(site, {}), spec)
    assert "went on" in await site.log()


@pytest.mark.slow
async def test_a_second_build_takes_pip_from_the_first(site: Worksite) -> None:
    files = {"requirements.txt": "--no-index\n", "app.py": ""}
    logs = []
    for _ in range(2):
        workspace = lay_out(site, files)
        await BUILDER.build(site, workspace, spec_of(site))
        assert succeeds_as(site.build, f"{workspace.folder}/.venv/bin/pip", "--version")
        logs.append(await site.log())
        await site.begin_again()
        shutil.rmtree(workspace.root)
    assert ["Processing" in log for log in logs] == [True, False]
