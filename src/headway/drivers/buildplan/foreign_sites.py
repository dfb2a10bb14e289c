"""What the files of hosts of sites say of the site: the folder that is served, and its fallback."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any, Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.providers.jsonc import parse_jsonc
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

NETLIFY: Final = "netlify.toml"
# In the order in which Wrangler looks for them.
WRANGLER: Final = ("wrangler.json", "wrangler.jsonc", "wrangler.toml")
FILES: Final = (NETLIFY, "vercel.json", "static.json", *WRANGLER)

_PRODUCTION: Final = "production"
_FALLBACK: Final[Mapping[str, bool]] = {"single-page-application": True, "404-page": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFile:
    """What such a file says: ``folder`` is served, and is made by ``command``; ``fallback`` says whether its index.html
    answers what no file does; None is for what it does not say.
    """

    file: str
    folder: str | None = None
    command: str | None = None
    fallback: bool | None = None
    notes: tuple[str, ...] = ()


def site_files(tree: Tree) -> tuple[SiteFile, ...]:
    """Those that are there, what is heeded before the others first. Raises BuildError for a broken one that also says
    what answers.
    """
    found: tuple[tuple[str, Callable[[Tree], SiteFile]], ...] = (
        (NETLIFY, _of_netlify),
        ("vercel.json", lambda tree: _plain(tree, "vercel.json", "outputDirectory")),
        ("static.json", lambda tree: _plain(tree, "static.json", "root")),
    )
    wrangler = next((_of_wrangler(tree, name) for name in WRANGLER if name in tree.contents), None)
    return (*(read(tree) for name, read in found if name in tree.contents), *([] if wrangler is None else [wrangler]))


def worker(tree: Tree) -> tuple[str, str] | None:
    """The program for Cloudflare's workers that Wrangler deploys, below the folder of its file, and that file."""
    for file in WRANGLER:
        if file in tree.contents:
            main = _text((_configuration(tree, file) or {}).get("main"))
            return None if main is None else (posixpath.normpath(main), file)
    return None


def _plain(tree: Tree, file: str, name: str) -> SiteFile:
    data = parse_jsonc(tree, file) if file == "vercel.json" else tree.json(file)
    return SiteFile(file=file, folder=_text(data.get(name)), command=_text(data.get("buildCommand")))


def _of_netlify(tree: Tree) -> SiteFile:
    """What it says of production: by Netlify's "File-based configuration" a field of ``context.production`` goes
    before that of ``build``, and folders are below ``base``. Its versions are not heeded: they are what was once set
    for that host, and often older than what the packages of today ask for.
    """
    data = tree.toml(NETLIFY)
    build = {**_table(data, "build"), **_table(_table(data, "context"), _PRODUCTION)}
    base = posixpath.normpath(_text(build.get("base")) or ".").strip("/")
    if base not in {"", "."}:
        told = f"{NETLIFY} has the site in {base[:100]}: headway deploy --build-path {base[:100]}."
        return SiteFile(file=NETLIFY, notes=(told,))
    return SiteFile(file=NETLIFY, folder=_text(build.get("publish")), command=_text(build.get("command")))


def _of_wrangler(tree: Tree, file: str) -> SiteFile:
    """What it says of production: by Wrangler's "Configuration" the fields of ``env.production`` go before those
    beside ``env``, for what is deployed to production. A program of the site's own is for that host's runtime.
    """
    data = _configuration(tree, file)
    if data is None:
        return SiteFile(file=file, notes=(f"{file} cannot be read, and is not heeded.",))
    assets = _table(data, "assets")
    main = _text(data.get("main"))
    return SiteFile(
        file=file,
        folder=_text(data.get("pages_build_output_dir")) or _text(assets.get("directory")),
        fallback=_FALLBACK.get(str(assets.get("not_found_handling"))),
        notes=(f"{file} has a program for Cloudflare's workers ({main[:80]}), which does not run here.",)
        if main
        else (),
    )


def _configuration(tree: Tree, file: str) -> Mapping[str, Any] | None:
    """Wrangler's, for production; None where it is broken."""
    try:
        data = tree.toml(file) if file.endswith(".toml") else parse_jsonc(tree, file)
    except BuildError:
        return None
    return {**data, **_table(_table(data, "env"), _PRODUCTION)}


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _text(found: object) -> str | None:
    return found.strip() or None if isinstance(found, str) and "\0" not in found else None
