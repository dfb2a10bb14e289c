"""Variables that a build in Node needs for what its scripts install and build below the package that is planned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from headway.drivers.buildplan.providers.node_calls import parted
from headway.drivers.buildplan.providers.node_package import LONGEST, PACKAGE, Package
from headway.drivers.buildplan.providers.node_scripts import called_lines
from headway.drivers.buildplan.tree import Tree

# The scripts that run in a build.
BUILT: Final = (
    *("preinstall", "install", "postinstall", "prepare", "heroku-prebuild", "prebuild", "build", "postbuild"),
    "heroku-postbuild",
)
_MANAGERS: Final = frozenset({"npm", "pnpm", "yarn"})
_INSTALLS: Final = frozenset({"install", "i", "ci", "add", "clean-install", "bootstrap"})
_FOLDERS: Final = frozenset({"--prefix", "--cwd", "-C", "--dir"})
# The last one is what Create React App leaves where somebody has ejected it.
_WARNINGS_ARE_ERRORS: Final = ('"react-scripts"', '"react-app-rewired"', '"@craco/craco"', '"react-dev-utils"')


def build_variables(tree: Tree, packages: Iterable[Package], told: Iterable[str]) -> Mapping[str, str]:
    """The variables, by the scripts of these packages and the command lines that are ``told`` in their place: with
    developers' packages, which NODE_ENV=production leaves out where a script installs, as a build needs them; without
    CI, for which Create React App takes a warning for an error, wherever in the repository there is one.
    """
    lines = [*told, *(line for package in packages for line in called_lines(package, BUILT))]
    installers = {installer for line in lines for installer in _installers(line)}
    found: dict[str, str] = {}
    if installers:
        found["npm_config_include"] = "dev"
    if installers & {"yarn", "pnpm"}:
        # Yarn 1 and pnpm before 10 know this one. YARN_PRODUCTION is an error to the later ones of Yarn.
        found["NPM_CONFIG_PRODUCTION"] = "false"
    manifests = (tree.whole(name) for name in tree.contents if name.rpartition("/")[2] == PACKAGE)
    if any(word in text for text in manifests for word in _WARNINGS_ARE_ERRORS):
        found["CI"] = "false"
    return found


def _installers(line: str) -> Iterator[str]:
    """The package managers that a command line installs by."""
    for command in parted(line) if len(line) <= LONGEST else ():
        words = command.strip("() \"'").split()
        at = next((place for place, word in enumerate(words) if word in _MANAGERS), None)
        if at is None:
            if words[:2] == ["lerna", "bootstrap"]:
                yield "npm"
            continue
        rest = [
            word
            for before, word in zip(words[at:], words[at + 1 :], strict=False)
            if not word.startswith("-") and before not in _FOLDERS
        ]
        if (rest and rest[0] in _INSTALLS) or (words[at] == "yarn" and not rest):
            yield words[at]
