"""Static sites: a folder with an index.html, served as it is, and what a site that is built leaves."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import BuildPlan, Choice, Site
from headway.drivers.buildplan.providers.contract import Provider
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree

INDEX: Final = "index.html"
ROOT: Final = "."
STATICFILE: Final = "Staticfile"
# Where the usual site generators put what they make, and then the repository itself.
BUILT: Final = ("dist", "build", "out", "public", "_site", ROOT)

_FOLDERS: Final = (ROOT, "public", "_site", "dist", "www", "htdocs")
_LINE = re.compile(
    r"^(root|index_fallback|pushstate)[ \t]*+:[ \t]*+['\"]?([^'\"#\n]{0,300}?)['\"]?[ \t\r]*+(?:#.*)?$", re.MULTILINE
)


def _recognise(tree: Tree) -> str | None:
    if STATICFILE in tree:
        return STATICFILE
    folder = _folder(tree)
    return None if folder is None else posixpath.normpath(f"{folder}/{INDEX}")


def _plan(tree: Tree, settings: BuildSettings) -> BuildPlan:
    says: dict[str, str] = dict(_LINE.findall(tree.text(STATICFILE)))
    root, reason = says.get("root", "").strip(), f"the root in {STATICFILE}"
    folder = inside(root, f"The root in {STATICFILE}") if root else _folder(tree)
    if not root:
        reason = f"it has {INDEX}" if folder else "where the build leaves one"
    if folder is None and settings.publish is None and settings.start is None and settings.build is None:
        raise BuildError(
            f"There is a {STATICFILE}, but no {INDEX} at the build path and no root in it. Write the folder that holds "
            f"the site into it ('root: dist'), or set the publish directory (headway apps set APP --publish FOLDER)."
        )
    fallback = says.get("index_fallback", says.get("pushstate", ""))
    return BuildPlan(
        provider="static",
        site=Site(folders=(folder or ROOT,), fallback=_word(fallback)),
        choices=(
            Choice(name="provider", value="static", reason=_recognise(tree) or "the setting provider"),
            Choice(name="publish", value=folder or ROOT, reason=reason),
        ),
    )


def inside(path: str, what: str) -> str:
    """A folder below the build path, as it was given. Raises BuildError for one that leads out."""
    relative = posixpath.normpath(path.strip().lstrip("/") or ROOT)
    if relative == ".." or relative.startswith("../") or "\0" in relative:
        raise BuildError(f"{what} leads out of the application. Give a folder inside it, such as 'dist'.")
    return relative


def _folder(tree: Tree) -> str | None:
    return next((each for each in _FOLDERS if posixpath.normpath(f"{each}/{INDEX}") in tree), None)


def _word(text: str) -> bool | None:
    return {"true": True, "enabled": True, "yes": True, "false": False, "no": False}.get(text.strip().lower())


PROVIDER: Final = Provider(
    name="static", reads=(STATICFILE, INDEX, f"public/{INDEX}"), recognise=_recognise, plan=_plan, faint=True
)
