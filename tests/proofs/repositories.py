"""Runs detection on a folder of repositories, beside a table of what is expected of each, and builds them on demand.

    script/prove repositories DIR --table TABLE.toml [--build | --image] [--only NAME]... [--pass VARIABLE]...

The table has for each folder below DIR: ``provider`` (the one that is to recognise it) or ``refused`` (words of the
sentence that it ends with), ``plan`` (facts of the plan), ``output`` (what it is to answer or to print once it is
built, one text or several), ``path`` (where it is asked), ``variables``, ``lies_at`` (a folder of the peer's image that
its files name, in whose place the release's is put), and ``excluded`` (why it is not built here). ``--image`` builds
those that are marked with ``image`` as images, on bases that are made here, and asks containers of them. ``--pass``
gives the builds a variable of this shell (SSL_CERT_FILE, where a registry has a certificate of its own). Exits with 1
where something is not as expected.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from headway.drivers.builders.base import BuildError, BuildSpec
from headway.drivers.builders.native import NativeBuilder
from headway.drivers.buildplan.detection import READS, detect, further
from headway.drivers.buildplan.plan import BuildPlan
from headway.drivers.buildplan.reader import PRUNED, chosen, chosen_further, limit_of
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.toolchains.store import Store, Turns
from headway.drivers.buildplan.tree import Tree
from headway.kernel.artifacts import Bundle, Workspace
from headway.kernel.errors import HeadwayError
from headway.kernel.secret import Secret
from tests.integration.builders.workspaces import give_to_build
from tests.integration.worksite import Worksite, open_worksite
from tests.proofs._images import answer, built_image, image_engine
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import free_port
from tests.support.toolchains.toolchain_stores import FETCHER

SECONDS = 60.0
BUILD_SECONDS = 600.0
TOOLCHAINS = Path("/var/tmp/headway-toolchains")  # kept: the next run fetches nothing again


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A line of the table."""

    folder: str
    provider: str | None = None
    refused: str | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    output: str | Sequence[str] | None = None
    path: str = "/"
    lies_at: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    excluded: str | None = None
    image: bool = False

    def shown_by(self, text: str) -> bool:
        """Whether all of what is expected is in this text."""
        wanted = [self.output] if isinstance(self.output, str) else self.output or ()
        return all(each in text for each in wanted)


def main() -> None:
    """See the module's docstring."""
    options = _options()
    rows = [Expected(**row) for row in tomllib.loads(options.table.read_text())["repository"]]
    given = {name: os.environ[name] for name in options.given}
    rows = [replace(row, variables={**given, **row.variables}) for row in rows]
    rows = [row for row in rows if not options.only or row.folder in options.only]
    missed = 0
    for row in rows:
        miss, shown = _detected(options.folder / row.folder, row)
        missed += bool(miss)
        print(f"{'MISS' if miss else 'ok':<5} {row.folder:<40} {miss or shown}")
    print(f"detection: {len(rows) - missed} of {len(rows)} as expected")
    failed = asyncio.run(_all_built(options.folder, rows)) if options.build else 0
    failed += _all_images(options.folder, rows) if options.image else 0
    sys.exit(1 if missed or failed else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/prove repositories")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--image", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--pass", action="append", default=[], dest="given")
    return parser.parse_args()


def read_folder(root: Path) -> Tree:
    """The tree that the reader would see."""
    names, sizes = set[str](), dict[str, int]()
    for folder, below, files in os.walk(root):
        below[:] = sorted(name for name in below if name not in PRUNED)
        for name in files:
            file = Path(folder, name)
            relative = str(file.relative_to(root))
            names.add(relative)
            sizes[relative] = file.lstat().st_size
    taken = [name for name in chosen(names, sizes, READS) if (root / name).is_file()]
    tree = Tree(names=frozenset(names), contents=_contents(root, taken))
    while more := chosen_further(tree, further(tree), len(taken), sizes):
        tree = replace(tree, contents={**tree.contents, **_contents(root, more)})
    return tree


def _contents(root: Path, names: Sequence[str]) -> dict[str, bytes]:
    return {name: (root / name).read_bytes()[: limit_of(name)] for name in names}


def _detected(folder: Path, row: Expected) -> tuple[str, str]:
    """What is not as expected ("" where all is), and what was found."""
    try:
        plan = detect(read_folder(folder), BuildSettings(), row.variables)
    except BuildError as error:
        if row.refused is None:
            return f"expected {row.provider}: {error.message}", ""
        return ("", error.message[:90]) if row.refused in error.message else (f"refused: {error.message}", "")
    if row.refused is not None:
        return f"expected a refusal ({row.refused}), and it is {plan.provider}", ""
    if row.provider is not None and plan.provider != row.provider:
        return f"expected {row.provider}, and it is {plan.provider}", ""
    found = {name: _fact(plan, name) for name in row.plan}
    wrong = [f"{name} is {found[name]!r}, not {wanted!r}" for name, wanted in row.plan.items() if found[name] != wanted]
    return "; ".join(wrong), _line(plan)


def _fact(plan: BuildPlan, name: str) -> object:
    """A fact of a plan: one of its fields, ``start`` (what web is started by), ``folder`` (what is served) or
    ``fallback`` (whether its index.html answers for what is not there).
    """
    if name == "start":
        return next((each.command for each in plan.processes), None)
    if name == "fallback":
        return None if plan.site is None else plan.site.fallback
    if name == "folder":
        return None if plan.site is None else plan.site.folders[0]
    value: object = getattr(plan, name)
    return list(value) if isinstance(value, tuple) else value


def _line(plan: BuildPlan) -> str:
    runs = "; ".join(each.command for each in plan.processes)
    serves = f"serves {plan.site.folders[0]}" if plan.site is not None else ""
    asked = f" ({len(plan.questions)} question)" if plan.questions else ""
    return f"{plan.provider} {plan.framework} {runs or serves}{asked}"[:120]


async def _all_built(root: Path, rows: Sequence[Expected]) -> int:
    wanted = [row for row in rows if row.output is not None and row.refused is None]
    built = [row for row in wanted if row.excluded is None]
    failed, turns = 0, Turns()
    for row in built:
        begin = time.monotonic()
        async with open_worksite() as site:
            store = Store(folder=str(TOOLCHAINS), attempt=site.folder.name, account=FETCHER, turns=turns)
            try:
                miss = await asyncio.wait_for(_built(site, root / row.folder, row, store), BUILD_SECONDS + SECONDS)
            except (HeadwayError, TimeoutError) as error:
                miss = f"{error} {(await site.log())[-400:]!r}"
        failed += bool(miss)
        print(f"{'MISS' if miss else 'ok':<5} {row.folder:<40} {time.monotonic() - begin:5.1f} s {miss}", flush=True)
    print(f"built: {len(built) - failed} of {len(built)} answer as expected")
    for row in wanted:
        if row.excluded is not None:
            print(f"excluded: {row.folder}: {row.excluded}")
    return failed


def _all_images(root: Path, rows: Sequence[Expected]) -> int:
    built, failed, turns = [row for row in rows if row.image], 0, Turns()
    with image_engine() as (engine, given):
        for row in built:
            begin = time.monotonic()
            try:
                miss = asyncio.run(_image(root / row.folder, row, engine, given, turns))
            except (HeadwayError, TimeoutError) as error:
                miss = str(error)
            failed += bool(miss)
            print(
                f"{'MISS' if miss else 'ok':<5} {row.folder:<40} {time.monotonic() - begin:5.1f} s {miss}", flush=True
            )
    print(f"as images: {len(built) - failed} of {len(built)} answer as expected")
    return failed


async def _image(source: Path, row: Expected, engine: Engine, given: Mapping[str, str], turns: Turns) -> str:
    async with open_worksite() as site:
        store = Store(folder=str(TOOLCHAINS), attempt=site.folder.name, account=FETCHER, turns=turns)
        there = replace(row, variables={**given, **row.variables}, lies_at=None)  # an image has the peer's folder
        workspace, spec = await _laid_out(site, source, there, store)
        building = built_image(site, workspace, spec, engine, store)
        try:
            image = await asyncio.wait_for(building, BUILD_SECONDS + SECONDS)
        except (HeadwayError, TimeoutError) as error:
            return f"{error} {(await site.log())[-1500:]!r}"
        own = {name: Secret(value) for name, value in row.variables.items()}
        seen = "nothing"
        for seen in answer(engine, image, own, row.path):
            if row.shown_by(seen):
                return ""
        return f"it answers {seen[-300:]!r}"


async def _built(site: Worksite, source: Path, row: Expected, store: Store) -> str:
    workspace, spec = await _laid_out(site, source, row, store)
    root = Path(workspace.root)
    bundle = await NativeBuilder().build(site, workspace, spec)
    if bundle.static_root is not None:
        page = (root / bundle.static_root / "index.html").read_text(errors="replace")
        return "" if row.shown_by(page) else f"the page holds {page[:200]!r}"
    return await asyncio.to_thread(_asked, bundle, row)


async def _laid_out(site: Worksite, source: Path, row: Expected, store: Store) -> tuple[Workspace, BuildSpec]:
    root = site.folder / "releases" / "one"
    root.parent.mkdir(mode=0o711)
    await asyncio.to_thread(shutil.copytree, source, root, symlinks=True)
    if row.lies_at is not None:
        _move(root, row.lies_at)
    give_to_build(site, root)
    spec = BuildSpec(
        cache_folder=str(site.folder / "cache"),
        account=site.build,
        variables={name: Secret(value) for name, value in row.variables.items()},
        step_seconds=BUILD_SECONDS,
        toolchains=store,
    )
    return Workspace(root=str(root), folder=str(root)), spec


def _move(root: Path, lies_at: str) -> None:
    for file in root.rglob("*.py"):
        file.write_text(file.read_text().replace(f"{lies_at}/", f"{root}/"))


def _asked(bundle: Bundle, row: Expected) -> str:
    """Starts what is to be started, and asks it, or waits until it has printed what is expected."""
    process = next((each for each in bundle.processes if each.name == "web"), bundle.processes[0])
    port = free_port()
    env = {
        "HOME": f"{bundle.folder}/.home",
        "LANG": "C.UTF-8",
        "PORT": str(port),
        **bundle.env,
        **row.variables,
        "PATH": ":".join((*bundle.programs, "/usr/local/bin:/usr/bin:/bin")),
    }
    log = Path(bundle.folder, ".printed")  # Nitro has a folder .output
    with (
        log.open("wb") as output,
        subprocess.Popen(
            ["/bin/sh", "-c", process.command],
            cwd=bundle.folder,
            env=env,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        ) as running,
    ):
        try:
            shown = next(_shown(port, row, log, running))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, 9)
    return "" if shown is None else f"{process.command}: {shown[-300:]!r}"


def _shown(port: int, row: Expected, log: Path, running: subprocess.Popen[bytes]) -> Iterator[str | None]:
    """None once what is expected was seen, else what was seen at the end."""
    until, seen = time.monotonic() + SECONDS, ""
    while time.monotonic() < until:
        printed = log.read_text(errors="replace")
        with suppress(httpx.HTTPError):
            seen = httpx.get(f"http://127.0.0.1:{port}{row.path}", timeout=10, follow_redirects=True).text
        if row.shown_by(seen + printed):
            yield None
        if running.poll() is not None:
            break
        time.sleep(0.2)
    printed = log.read_text(errors="replace")
    yield None if row.shown_by(seen + printed) else f"{seen[:150]} {printed}"


if __name__ == "__main__":
    main()
