"""Languages at the version that a repository asks for, from its files to what serves, through kills and cleaning."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_cli import succeed
from tests.support.panel.panel import Panel, git_repository, panel, until
from tests.support.toolchains.toolchain_registry import ToolchainRegistry, packed, toolchain_registry

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

DENO = f"@deno/linux-{'x64' if platform.machine() == 'x86_64' else 'arm64'}-glibc"
# Says its version, caches nothing, and serves what lies in its folder.
PROGRAM = """\
#!/bin/sh
case "$1" in
  --version) echo deno VERSION ;;
  task) exec python3 -m http.server "$PORT" --bind 127.0.0.1 ;;
esac
"""
FILES = {"deno.json": '{"tasks": {"start": "deno run main.ts"}}', "main.ts": "", "version": "one"}


@pytest.fixture(scope="module")
def registry() -> Iterator[ToolchainRegistry]:
    with toolchain_registry() as opened:
        for version in ("99.1.0", "99.2.0", "99.3.0"):
            opened.publish(DENO, version, packed({"deno": PROGRAM.replace("VERSION", version)}))
        yield opened


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, registry: ToolchainRegistry) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data", HEADWAY_NPM_REGISTRY=registry.url) as started:
        yield started


def test_a_version_file_decides_and_a_killed_fetch_leaves_nothing(
    running: Panel, registry: ToolchainRegistry, tmp_path: Path
) -> None:
    url = git_repository(tmp_path / "git", FILES | {".tool-versions": "deno 99.3.0\n"})
    application_id = running.application(url, "deep")
    registry.gate.clear()
    registry.knocked.clear()
    deployment_id = running.deploy(application_id)
    assert registry.knocked.wait(30)
    assert half_made(running) == [f".deno-99.3.0.{deployment_id}"]
    running.post("deployment.killProcess", deploymentId=deployment_id)
    assert running.ended(deployment_id)["reason"] == "killed"
    assert half_made(running) == []
    assert "deno/99.3.0" not in versions(running)

    registry.knocked.clear()
    deployment_id = running.deploy(application_id)
    assert registry.knocked.wait(30)
    running.kill()  # the panel goes, the fetch goes on
    registry.gate.set()
    running.start()
    running.done(deployment_id, 60)
    assert "Deno 99.3.0, as .tool-versions asks (99.3.0), from npm" in running.deployment_log(deployment_id)
    assert running.visit("deep", "/version").text == "one"
    assert half_made(running) == []
    assert "deno/99.3.0" in versions(running)


def test_a_version_that_this_machine_cannot_have_is_told_within_seconds(running: Panel, tmp_path: Path) -> None:
    url = git_repository(tmp_path / "git", {".python-version": "3.5\n", "main.py": "", "requirements.txt": ""})
    began = time.monotonic()
    row = running.ended(running.deploy(running.application(url, "old", startCommand="python main.py")))
    assert row["status"] == "error"
    assert "Python 3.5 was asked for by .python-version; this machine has 3." in row["errorMessage"]
    assert "pyenv install" in row["errorMessage"]
    assert time.monotonic() - began < 30


def test_what_no_release_uses_goes_after_a_week_and_nothing_else(running: Panel, tmp_path: Path) -> None:
    made = {}
    for name, version in (("kept", "99.1.0"), ("brief", "99.2.0")):
        url = git_repository(tmp_path / name, FILES | {".tool-versions": f"deno {version}\n"})
        made[name] = running.application(url, name)
        running.done(running.deploy(made[name]))
    running.post("application.delete", applicationId=made["brief"])
    left = running.work / "toolchains" / ".deno-98.0.0.of-a-run-that-is-no-more"
    (left / "bin").mkdir(parents=True)
    assert {"deno/99.1.0", "deno/99.2.0"} <= set(versions(running))
    assert "deno 99" not in succeed(running, "disk", "clean", "--dry-run"), "it was used a moment ago"

    week_ago = time.time() - 8 * 86_400
    for path in [each for top in (running.work / "toolchains").glob("*") for each in (top, *top.rglob("*"))]:
        os.utime(path, (week_ago, week_ago), follow_symlinks=False)
    until(lambda: "deno 99.2.0" in succeed(running, "disk", "clean", "--dry-run"), what="what may go")
    assert {"deno/99.1.0", "deno/99.2.0"} <= set(versions(running))
    succeed(running, "disk", "clean", "--yes")
    assert half_made(running) == []
    left_over = set(versions(running)) - {"deno/99.3.0"}  # of another test
    assert left_over == {"deno/99.1.0"}, "a release that is kept uses it"
    assert running.visit("kept", "/version").text == "one"


def versions(running: Panel) -> list[str]:
    """The versions of Deno in the store."""
    folder = running.work / "toolchains"
    return sorted(str(path.relative_to(folder)) for path in folder.glob("deno/*"))


def half_made(running: Panel) -> list[str]:
    """What lies beside them."""
    return sorted(path.name for path in (running.work / "toolchains").glob(".*") if path.name != ".lists")
