"""Scripts that build a part of an application and that nothing runs, where no script is named as the build."""

from __future__ import annotations

import re
from typing import Final

from headway.drivers.buildplan.providers.node_managers import Manager
from headway.drivers.buildplan.providers.node_package import Package
from headway.drivers.buildplan.providers.node_scripts import called_lines, is_developers

_RUN: Final = ("preinstall", "install", "postinstall", "prepare", "prestart", "start", "poststart")
# Neither for developers nor for other things than the application.
_BUILDS_A_PART = re.compile(
    r"build[:-](?!.*(?:dev|watch|test|check|analy|docs?\b|storybook|docker|image|types?\b|lint|debug|stag|electron|android|ios"
    r"|mobile|desktop|example|bench|release|win|mac|linux))[\w:-]{1,60}"
)
_BUNDLES = re.compile(
    r"\b(?:webpack(?:-cli)?|esbuild|rollup|rspack)(?=\s|$)|\b(?:vite|parcel|rsbuild|bun)\s+(?:-\S+\s+){0,4}build\b"
)
_SHOWN: Final = 4


def bundling(package: Package) -> str | None:
    """The only one of them that calls a bundler, whose pages or styles the program then serves."""
    names = [
        name for name in _left(package) if _BUNDLES.search(line := package.short(name)) and not is_developers(line)
    ]
    return names[0] if len(names) == 1 else None


def unbuilt(package: Package, manager: Manager) -> tuple[str, ...]:
    """What is to be said of them."""
    names = _left(package)
    if not names:
        return ()
    line = " ".join(manager.script(names[0]))
    told = f"No script of {package.path(package.file)} is named build, and nothing runs {', '.join(names[:_SHOWN])}"
    return (f"{told}: where it is needed, headway apps set APP --build '{line}'.",)


def _left(package: Package) -> list[str]:
    called = " ".join(called_lines(package, _RUN))
    names = (name for name in package.scripts if _BUILDS_A_PART.fullmatch(name) and package.script(name))
    return [
        name for name in names if name not in _RUN and not re.search(rf"(?<![\w:-]){re.escape(name)}(?![\w:-])", called)
    ]
