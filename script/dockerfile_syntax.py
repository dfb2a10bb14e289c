"""Every word of a Dockerfile, and all that its front end may ask the engine for, read from BuildKit's own source.

So this is what the front end takes, and not what a page says that it takes. Only the names are kept.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

KEPT = Path(__file__).resolve().parents[1] / "tests" / "cases" / "dockerfile-syntax.json"
_DOCKERFILE, _INSTRUCTIONS = "frontend/dockerfile", "frontend/dockerfile/instructions"
_QUOTED = re.compile(r'"([^"]*)"')
_FLAG = re.compile(r'req\.flags\.Add\w+\("([\w-]+)"')
_FUNCTION = re.compile(r"^func (?:\([^)]*\) )?(\w+)", re.MULTILINE)
_KEYS = re.compile(r"\n\t\tswitch key \{\n(.*?)\n\t\t\}\n", re.DOTALL)
_CASE = re.compile(r"^\t\tcase (.*):$", re.MULTILINE)
Read = Callable[[str], str]


def collected(read: Read, version: str) -> dict[str, object]:
    """All of it; ``read`` gives a file of BuildKit's source by its path."""
    mount = read(f"{_INSTRUCTIONS}/commands_runmount.go")
    network, security = (read(f"{_INSTRUCTIONS}/commands_run{each}.go") for each in ("network", "security"))
    return {
        "buildkit": version,
        "directives": sorted(re.findall(r'\tkey\w+\s*= "(\w+)"', read(f"{_DOCKERFILE}/parser/directives.go"))),
        "instructions": _instructions(read),
        "mounts": sorted(re.findall(r'MountType = "(\w+)"', mount)),
        "mount_keys": sorted(set(_keys(mount)) - {"type"}),
        "sharing": sorted(re.findall(r'ShareMode = "(\w+)"', mount)),
        "networks": sorted(re.findall(r'NetworkMode = "(\w+)"', network)),
        "securities": sorted(re.findall(r'\tSecurity\w+\s*= "(\w+)"', security)),
        "device_keys": sorted(set(_keys(read(f"{_INSTRUCTIONS}/commands_rundevice.go")))),
        "arguments": sorted(_arguments(read)),
        "sources": sorted(re.findall(r'Scheme\s*= "([^"]+)"', read("source/types/types.go"))),
        "entitlements": sorted(re.findall(r'Entitlement = "([^"]+)"', read("util/entitlements/entitlements.go"))),
        "front_end": sorted(re.findall(r'"(moby\.[\w.]+)":', read(f"{_DOCKERFILE}/builder/caps.go"))),
        "capabilities": sorted(re.findall(r'apicaps\.CapID = "([^"]+)"', read("solver/pb/caps.go"))),
    }


def _instructions(read: Read) -> Mapping[str, list[str]]:
    """Those that there are, with their flags: each is read by a function that has its name."""
    names = re.findall(r'= "(\w+)"', read(f"{_DOCKERFILE}/command/command.go"))
    parts = _FUNCTION.split(read(f"{_INSTRUCTIONS}/parse.go"))
    bodies = {name.lower(): body for name, body in zip(parts[1::2], parts[2::2], strict=True)}
    run = "".join(read(f"{_INSTRUCTIONS}/commands_run{each}.go") for each in ("mount", "network", "security", "device"))
    found = {name: _FLAG.findall(bodies[f"parse{name}"] + (run if name == "run" else "")) for name in sorted(names)}
    every = sum(len(_FLAG.findall(each)) for each in (read(f"{_INSTRUCTIONS}/parse.go"), run))
    assert sum(map(len, found.values())) == every, "each flag is of an instruction"  # noqa: S101 - of the checkout
    return {name.upper(): sorted(f"--{each}" for each in flags) for name, flags in found.items()}


def _keys(source: str) -> list[str]:
    return [key for block in _KEYS.findall(source) for case in _CASE.findall(block) for key in _QUOTED.findall(case)]


def _arguments(read: Read) -> set[str]:
    """Arguments that mean something to BuildKit itself: told by its code, or by the page of its front end."""
    convert = read(f"{_DOCKERFILE}/dockerfile2llb/convert.go")
    told = re.findall(r"^\| `((?:BUILDKIT|SOURCE)_\w+)`", read(f"{_DOCKERFILE}/docs/reference.md"), re.MULTILINE)
    code = "".join(map(read, ("frontend/dockerui/config.go", f"{_DOCKERFILE}/builder/build.go")))
    attested = re.findall(r"build-arg:(BUILDKIT_\w+_)", read("frontend/attestations/parse.go"))
    of_platforms = re.findall(r'\{"([A-Z]+)", ', read(f"{_DOCKERFILE}/dockerfile2llb/platform.go"))
    proxies = re.findall(r'EqualFold\(k, "(\w+_proxy)"\)', convert)
    scans = re.findall(r'"(BUILDKIT_\w+)"', convert)
    return {
        *told,
        *re.findall(r"build-arg:([A-Z_]+)", code),
        *(f"{each}*" for each in attested),
        *of_platforms,
        *(each.upper() for each in proxies),
        *scans,
    }


def main(arguments: list[str]) -> int:
    """Writes the list from a repository of BuildKit's."""
    if len(arguments) != 1:
        print("script/dockerfile: give a clone of github.com/moby/buildkit", file=sys.stderr)
        return 2

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", arguments[0], *words], check=True, capture_output=True, text=True).stdout

    version = git("log", "-1", "--format=%h of %cs", "--abbrev=12").strip()
    found = collected(lambda path: git("show", f"HEAD:{path}"), version)
    KEPT.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
