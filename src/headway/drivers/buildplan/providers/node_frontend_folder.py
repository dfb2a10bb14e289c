"""The front end that lies in a folder beside a server in Node: built where the server or the Dockerfile names what that
leaves, and no script builds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from headway.drivers.buildplan.image_pages import OUTPUTS, pages_put
from headway.drivers.buildplan.image_stages import dockerfile, whole
from headway.drivers.buildplan.plan import Phase
from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.drivers.buildplan.providers.node_calls import enters, package_in
from headway.drivers.buildplan.providers.node_frontend import FOLDERS, NO_FRONT_END, Frontend, frontend
from headway.drivers.buildplan.providers.node_package import Package
from headway.drivers.buildplan.providers.node_scripts import called_lines
from headway.drivers.buildplan.providers.node_sources import ENDINGS
from headway.drivers.buildplan.providers.node_variables import BUILT
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree

_RUN: Final = (*BUILT, "prestart", "start")
_BUILDS: Final = re.compile(r"\b(?:build|generate|compile|prod)\w{0,20}\b")
_GENERATES: Final = re.compile(r"\b(?:npm|pnpm|yarn|bun)[ \t]+(?:run[ \t]+)?generate\b")
_GOES: Final = re.compile(r"\bcd\s|--(?:prefix|cwd|dir)\b|\s-C\s")


def beside(tree: Tree, settings: BuildSettings, packages: Sequence[Package], line: str) -> Frontend:
    """What installs and builds it before the server, which the command ``line`` starts and whose scripts are those of
    these packages; nothing where there is none, or what it leaves is in the repository.
    """
    if settings.build is not None:
        return NO_FRONT_END
    run = [each for package in packages for each in called_lines(package, _RUN)]
    members = {package.folder for package in packages}
    for folder in FOLDERS:
        package = package_in(tree, folder) if folder and folder not in members else None
        script = None if package is None else _script(tree, package, packages)
        if script is None or any(enters((each,), folder) and _BUILDS.search(each) for each in run):
            continue
        put = pages_put(tree, folder)
        made = put[0] if put is not None else next(_named(tree, folder), None)
        if made is not None and not any(name.startswith(f"{made}/") for name in tree.names):
            found = frontend(tree, settings, (folder,), script)
            target = put[1] if put is not None else made
            return _with_pages(found or NO_FRONT_END, made, target, line, dockerfile(tree))
    return NO_FRONT_END


def _script(tree: Tree, package: Package, packages: Sequence[Package]) -> str | None:
    """The script that builds it: the one that writes its pages where the Dockerfile or another script runs that."""
    texts = (whole(tree), *(line for each in packages for line in each.scripts.values()))
    if package.script("generate") and any(_GENERATES.search(text) for text in texts):
        return "generate"
    return package.build


def _named(tree: Tree, folder: str) -> Iterator[str]:
    """The folders of it that the sources beside name, in one text or part by part."""
    outputs = "|".join(re.escape(each) for each in OUTPUTS)
    named = re.compile(rf"(?<![\w-]){re.escape(folder)}(?:/|[\"'`]\s*,\s*[\"'`]/?)({outputs})(?![\w-])")
    for name in sorted(tree.contents):
        if name.endswith(ENDINGS) and not name.startswith(f"{folder}/") and named.search(tree.text(name)):
            for match in named.finditer(without_comments(tree.text(name))):
                yield f"{folder}/{match[1]}"


def _with_pages(found: Frontend, made: str, target: str, line: str, file: str) -> Frontend:
    """The front end with its pages where the Dockerfile, of the name ``file``, puts them; that is said alone, where the
    program is started in another folder.
    """
    if target == made or target.startswith(("..", "/")):
        return found
    if _GOES.search(line) or target == ".":
        told = f"{file} puts what is in {made} into {target}, which is not done here: where the program looks for"
        return replace(found, notes=(*found.notes, f"{told} its pages, let the build copy them there."))
    script = 'mkdir -p -- "$2" && cp -R -- "$1/." "$2/"'
    argv = ("/bin/sh", "-c", script, "sh", made, target)
    told = f"What the front end leaves in {made} is put into {target}, as {file} has it."
    return replace(found, phases=(*found.phases, Phase(name="frontend pages", argv=argv)), notes=(*found.notes, told))
