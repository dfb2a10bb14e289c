"""Gives a build the tools that its plan needs, at the versions that are asked for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, date, datetime

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.toolchains import entries, environments, interpreters, releases, semver, supply
from headway.drivers.buildplan.toolchains.inventory import Installed, Inventory, choose, look
from headway.drivers.buildplan.toolchains.registries import Package, RegistryAway, configured
from headway.drivers.buildplan.toolchains.store import Provided, Store
from headway.drivers.buildplan.toolchains.tools import TOOLS, Form
from headway.drivers.buildplan.toolchains.version_requests import VersionRequest, newest, read_wish
from headway.infra.hosts.work import Work
from headway.kernel.dataclass import dataclass

_NOTED_SECONDS = 86_400.0
# What node-gyp reads from 12 on, and what it read before, of which npm from 11 on says that it does not know it.
_NODE_GYP, _OLD_NODE_GYP, _WARNS = "npm_package_config_node_gyp_nodedir", "npm_config_nodedir", 11
_HEADER = re.compile(rb"^#define NODE_(MAJOR|MINOR|PATCH)_VERSION (\d{1,5})\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One tool as it is used, and where it came from. ``instead`` says why it is not quite what was asked for."""

    wish: VersionRequest
    version: str
    place: str
    installed: Installed | None = None
    instead: str = ""

    @property
    def line(self) -> str:
        """What is to be said of it."""
        return f"{TOOLS[self.wish.need.tool].label} {self.version}{self.wish.reason}, from {self.place}{self.instead}"


async def provide(work: Work, needs: Sequence[Need], store: Store, *, today: date | None = None) -> Provided:
    """The tools on the host of the run, fetched where it has none that will do. Raises BuildError with what to change
    where a version is none or cannot be had. Repeated after a crash of the panel it gives the same.
    """
    day = today or datetime.now(UTC).date()
    wishes = [read_wish(need, day) for need in merged(needs)]
    if not wishes:
        return Provided()
    tools = [wish.need.tool for wish in wishes]
    more = ["uv", "python"] if environments.PROJECTS & {*tools} or "python" in tools else []
    inventory = await look(work, store, list(dict.fromkeys([*tools, *more])))
    provision = _Provision(work=work, store=store, inventory=inventory, today=day)
    # What others run on is found first, and comes after them on PATH.
    for wish in sorted(wishes, key=lambda wish: wish.need.tool not in {"node", "python", "uv"}):
        await provision.give(wish)
    given = [provision.given[tool] for tool in tools]
    asked = {need.tool for need in needs}
    told = [each for each in given if each.wish.need.tool in asked]
    ends = [(TOOLS[each.wish.need.tool].label, _end(each, day)) for each in given]
    forms = {TOOLS[tool].form for tool in tools}
    return Provided(
        path=tuple(f"{store.entry(each.wish.need.tool, each.version)}/bin" for each in given),
        env={name: value for each in given for name, value in TOOLS[each.wish.need.tool].env.items()},
        build_env={
            **await configured(work, node=Form.NPM in forms, python=Form.PYTHON in forms),
            **await _headers(work, store, provision.given),
        },
        lines=(*(each.line for each in told), *(f"{label} {end}" for label, end in ends if end)),
        uses=tuple(replace(each.wish.need, wanted=each.version) for each in given),
    )


async def bring(work: Work, names: Sequence[str], store: Store) -> Provided:
    """What a release uses that was built on another host (`Provided.names`), at the same paths on the host of the run.
    Raises BuildError where this host cannot have it.
    """
    needs = [Need(tool=tool, wanted=version) for tool, _, version in (name.partition("/") for name in names)]
    provided = await provide(work, needs, store)
    differing = [name for name in names if name not in provided.names]
    if differing:
        tool, _, version = differing[0].partition("/")
        has = next((need.wanted for need in provided.uses if need.tool == tool), "none")
        raise BuildError(
            f"It was built with {TOOLS[tool].label} {version}, and the machine that it is to run on has {has} instead. "
            "Have both machines use the same version, or build where it runs."
        )
    return provided


async def _headers(work: Work, store: Store, given: Mapping[str, Given]) -> dict[str, str]:
    """Where node-gyp finds the headers of the Node that is used, so that what has a compiled part is built without
    fetching them from elsewhere; nothing where none of just that version lie there.
    """
    node = given.get("node")
    if node is None:
        return {}
    entry = store.entry("node", node.version)
    own = [node.installed.prefix] if node.installed is not None and node.installed.is_open else []
    for folder in (f"{entry}/package", entry, *own):
        text = await work.host.read_file(f"{folder}/include/node/node_version.h", 1 << 16)
        numbers = {name.decode(): int(value) for name, value in _HEADER.findall(text or b"")}
        if ".".join(str(numbers.get(part, "")) for part in ("MAJOR", "MINOR", "PATCH")) == node.version:
            npm = semver.parse_version(given["npm"].version) if "npm" in given else None
            warns = npm is not None and npm.numbers[0] >= _WARNS and not {"pnpm", "yarn"} & given.keys()
            return {_NODE_GYP: folder} if warns else {_NODE_GYP: folder, _OLD_NODE_GYP: folder}
    return {}


def merged(needs: Sequence[Need]) -> list[Need]:
    """Each tool once, as it is asked for first, managers before what they run on. Raises BuildError for a tool that is
    not in the table.
    """
    first: dict[str, Need] = {}
    for need in needs:
        if need.tool not in TOOLS:
            raise BuildError(
                f"{need.tool[:80]!r} is no language or package manager that can be provided. Those are "
                f"{', '.join(TOOLS)}."
            )
        first.setdefault(need.tool, need)
    if any(TOOLS[tool].runs_on == "node" for tool in first):
        first.setdefault("node", Need(tool="node"))
    if "node" in first:
        first.setdefault("npm", Need(tool="npm"))  # scripts call it, and npx, whatever installs the packages
    return sorted(first.values(), key=lambda need: (need.tool in {"node", "python"}, need.tool == "npm"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provision:
    work: Work
    store: Store
    inventory: Inventory
    today: date
    given: dict[str, Given] = field(default_factory=dict)

    async def give(self, wish: VersionRequest) -> Given:
        """One tool, from the first place that has it."""
        tool = wish.need.tool
        if tool not in self.given:
            self.given[tool] = await self._found(wish) or await self._kept(wish) or await self._fetched_or_near(wish)
        return self.given[tool]

    async def _fetched_or_near(self, wish: VersionRequest) -> Given:
        """A version that is fetched, or else what will do where it cannot be (`Need.otherwise`)."""
        try:
            return await self._fetched(wish)
        except BuildError:
            need = wish.need
            near = read_wish(Need(tool=need.tool, wanted=need.otherwise), self.today)
            given = await self._near(near) if need.otherwise else None
            if given is None:
                raise
            return replace(given, instead=f"; {need.source} asks for {need.wanted[:80]}, which could not be fetched")

    async def _near(self, wish: VersionRequest) -> Given | None:
        """What will do, from the first place that has it; None where it cannot be had either."""
        try:
            return await self._found(wish) or await self._kept(wish) or await self._fetched(wish)
        except BuildError:
            return None

    async def _found(self, wish: VersionRequest) -> Given | None:
        """What the machine has by itself."""
        installed = choose(wish, self.inventory)
        if installed is None or not self._fits(installed):
            return None
        await self._take(installed)
        return Given(wish=wish, version=installed.version, place=_place(installed), installed=installed)

    def _fits(self, installed: Installed) -> bool:
        """Whether it may be used: distributions take npm apart, and only their own Node finds its parts."""
        if installed.tool != "npm" or "node" not in self.given:
            return True
        node = self.given["node"].installed
        return node is not None and _folder(node, "node") == _folder(installed, "npm")

    async def _take(self, installed: Installed) -> None:
        if not await self._has(installed.tool, installed.version):
            make = entries.link if installed.is_open else entries.copy
            await make(self.work, self.store, installed)

    async def _kept(self, wish: VersionRequest) -> Given | None:
        """The exact version that is asked for, where it was fetched before."""
        if wish.exact is None or not await self._has(wish.need.tool, wish.exact):
            return None
        return Given(wish=wish, version=wish.exact, place="what was fetched before")

    async def _fetched(self, wish: VersionRequest) -> Given:
        tool = wish.need.tool
        if tool == "python":
            return await self._python(wish)
        try:
            version, place = await (self._project(wish) if tool in environments.PROJECTS else self._package(wish))
        except RegistryAway as away:
            before = self._newest_kept(wish)
            if before is None or not await self._has(tool, before):
                raise BuildError(f"{missing(wish, self.inventory)} {away.message}") from away
            return Given(wish=wish, version=before, place="what was fetched before")
        return Given(wish=wish, version=version, place=place)

    async def _package(self, wish: VersionRequest) -> tuple[str, str]:
        tool = wish.need.tool
        if wish.is_any and tool == "node":
            wish = self._meant(wish, releases.default_node(self.today))
        elif wish.is_any and tool == "npm" and "node" in self.given:
            wish = self._meant(wish, releases.npm_range(self.given["node"].version))
        offered = await supply.offers(self.work, self.store, wish, self.inventory)
        offer = supply.best(tool, offered, lambda package: wish.exact is not None or self._runs(tool, package))
        if offer is None:
            raise BuildError(f"{missing(wish, self.inventory)} {_advice(tool)}")
        if not await self._has(tool, offer.version):
            await supply.fetch(self.work, self.store, tool, offer)
        return offer.version, offer.source.label

    def _meant(self, wish: VersionRequest, wanted: str) -> VersionRequest:
        """The wish of who asks for none in particular."""
        return read_wish(replace(wish.need, wanted=wanted), self.today)

    def _runs(self, tool: str, package: Package) -> bool:
        """Whether it runs on the Node that is used, by its own word."""
        node = self.given.get("node")
        version = None if node is None or tool == "node" else semver.parse_version(node.version)
        wanted = semver.parse_range(package.runs_on)
        return version is None or wanted is None or wanted.holds(version)

    async def _project(self, wish: VersionRequest) -> tuple[str, str]:
        """A package manager that is written in Python; it runs on the machine's own, not on the application's."""
        tool = wish.need.tool
        pythons = [each for each in self.inventory.of("python") if each.is_open]
        for python in pythons:
            version = await environments.newest_that_runs(self.work, self.store, wish, python.version)
            if version is not None:
                if not await self._has(tool, version):
                    uv, own = await self._uv(), python.programs["python3"]
                    await environments.make(self.work, self.store, tool, version, uv=uv, python=own)
                return version, "PyPI"
        raise BuildError(f"{missing(wish, self.inventory)} {_advice(tool)}")

    async def _python(self, wish: VersionRequest) -> Given:
        version = await interpreters.newest_known(self.work, self.store, wish, self._uv)
        if version is not None:
            if not await self._has("python", version):
                await interpreters.make(self.work, self.store, version, uv=await self._uv())
            return Given(wish=wish, version=version, place="python-build-standalone")
        before = self._newest_kept(wish)
        if before is not None and await self._has("python", before):
            return Given(wish=wish, version=before, place="what was fetched before")
        near = [each for each in self.inventory.of("python") if wish.nearby is not None and wish.nearby(each.version)]
        if not near:
            raise BuildError(f"{missing(wish, self.inventory)} {self._other_python(wish)}{_advice('python')}")
        await self._take(near[0])
        instead = f"; {wish.exact} itself could not be fetched"
        return Given(wish=wish, version=near[0].version, place=_place(near[0]), installed=near[0], instead=instead)

    def _other_python(self, wish: VersionRequest) -> str:
        """The newest that is there, as a way out, where a file asks for another."""
        there = newest(Form.PYTHON, (each.version for each in self.inventory.of("python")))
        if there is None or not wish.need.source or wish.need.source == "the settings":
            return ""
        line = ".".join(there.split(".")[:2])
        return f"Where {line} will do: headway deploy --python {line} (or headway apps set APP --python {line}). "

    async def _uv(self) -> str:
        given = await self.give(read_wish(Need(tool="uv"), self.today))
        return f"{self.store.entry('uv', given.version)}/bin/uv"

    async def _has(self, tool: str, version: str) -> bool:
        """Whether the store has it, which is noted once in a while so that it is not cleaned away."""
        kept = self.inventory.has(tool, version)
        if kept is None or kept.idle < _NOTED_SECONDS:
            return kept is not None
        return await entries.note_use(self.work, self.store, tool, version)

    def _newest_kept(self, wish: VersionRequest) -> str | None:
        tool = wish.need.tool
        mine = [each.version for each in self.inventory.kept if each.tool == tool and each.links is None]
        return newest(TOOLS[tool].form, filter(wish.holds, mine))


def missing(wish: VersionRequest, inventory: Inventory) -> str:
    """What to say where a version cannot be had: what was asked for and by whom, and what there is."""
    label, need = TOOLS[wish.need.tool].label, wish.need
    versions = list(dict.fromkeys(each.version for each in inventory.of(need.tool)))
    there = f"this machine has {', '.join(versions)}" if versions else f"this machine has no {label}"
    asked = f"{label} {need.wanted.strip()[:80]}".strip()
    by = f" was asked for by {need.source}" if need.source else " is needed"
    return f"{asked}{by}; {there}."


def _advice(tool: str) -> str:
    if tool == "python":
        return (
            "Change what asks for it, install it into /usr/local or with pyenv as root (pyenv install VERSION), or let "
            "this machine reach github.com, where python-build-standalone lies."
        )
    return f"No registry has that version. Ask for another one, such as {releases.EXAMPLES[tool]}."


def _place(installed: Installed) -> str:
    return installed.label if installed.is_first else f"{installed.label} ({installed.prefix})"


def _folder(installed: Installed, program: str) -> str:
    return posixpath.dirname(installed.programs.get(program, ""))


def _end(given: Given, today: date) -> str:
    return releases.told_end(given.wish.need.tool, given.version, today)
