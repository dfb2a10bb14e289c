"""Next: its server, or what it exports, also under the condition that a build for production is."""

from __future__ import annotations

import re
from typing import Final

from headway.drivers.buildplan.plan import Site
from headway.drivers.buildplan.providers.node_framework import LOOPBACK, Framework, Subject, folder, literal

_EXPORT = re.compile(r"(?<![\w.$])output\s*:[^,;{}]{1,120}?[\"'`]export[\"'`]")
_AROUND: Final = 60
# What says that it is production, and what says that it is not.
_PRODUCTION = re.compile(
    r"(?<!!)\b(?:is_?)?prod(?:uction)?\b(?!\s*[\"'!=])|={2,3}\s*[\"']production[\"']|!==?\s*[\"']development[\"']|"
    r"!\s*(?:is_?)?dev(?:elopment)?\b",
    re.IGNORECASE,
)
_DEVELOPMENT = re.compile(
    r"(?<!!)\b(?:is_?)?dev(?:elopment)?\b(?!\s*[\"'!=])|={2,3}\s*[\"']development[\"']|!==?\s*[\"']production[\"']|"
    r"!\s*(?:is_?)?prod(?:uction)?\b",
    re.IGNORECASE,
)


def next_js(subject: Subject) -> Framework | None:
    """Next: ``next start``, or what it exports."""
    if not subject.package.has("next"):
        return None
    config = subject.config("next.config")
    build_env = {"NEXT_TELEMETRY_DISABLED": "1"}
    program = subject.manager.program("next", "build")
    is_export = literal(config, "output") == "export" or _exports_in_production(config)
    if is_export or re.search(r"\bnext export\b", subject.build):
        out = folder(literal(config, "distDir"), "out") if is_export else "out"
        return Framework(
            name="Next",
            reason="next, with output: 'export'",
            site=Site(folders=(out,)),
            build=program,
            is_decided=True,
            build_env=build_env,
        )
    after: tuple[tuple[str, ...], ...] = ()
    start = subject.package.script("start") or ""
    if ".next/standalone" in start and "standalone" not in subject.build + (subject.package.script("postbuild") or ""):
        after = (("cp", "-R", ".next/static", ".next/standalone/.next/"),)
        if any(name.startswith("public/") for name in subject.tree.names):
            after = (*after, ("cp", "-R", "public", ".next/standalone/"))
    is_standalone = literal(config, "output") == "standalone"
    return Framework(
        name="Next",
        reason="next" + (", with output: 'standalone'" if is_standalone else ""),
        start=" ".join(subject.manager.program("next", "start")),
        build=program,
        after=after,
        env={"HOSTNAME": LOOPBACK} if is_standalone else {},
        build_env=build_env,
        notes=_told_of_export(config),
    )


def _condition_of_export(config: str) -> str:
    """What stands between ``output`` and the one value 'export' that it may have, "" where that is not so."""
    found = _EXPORT.search(config)
    line = config[found.start() : found.end() + _AROUND].partition(",")[0] if found is not None else ""
    return line if ("?" in line) != ("&&" in line) and line.count("?") < 2 and "standalone" not in line else ""


def _exports_in_production(config: str) -> bool:
    """Whether it exports under the condition that this is production, which a build is."""
    condition, mark, values = _condition_of_export(config).partition("?")
    is_positive = not mark or "export" in values.partition(":")[0]
    return (_PRODUCTION if is_positive else _DEVELOPMENT).search(condition) is not None


def _told_of_export(config: str) -> tuple[str, ...]:
    condition = _condition_of_export(config)
    if not condition:
        return ()
    line = " ".join(condition.split())[:80]
    told = f"next.config exports under a condition ({line}): it is started as a server. Where that holds in the build"
    return (f"{told} too, set the folder that it leaves (headway apps set APP --publish out).",)
