"""Sites that a Python program generates: MkDocs, Sphinx, Pelican."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from headway.drivers.buildplan.plan import Phase, Site
from headway.drivers.buildplan.providers import python_code
from headway.drivers.buildplan.providers.python_requirements import Requirements, of_file
from headway.drivers.buildplan.providers.python_start import Start
from headway.drivers.buildplan.tree import Tree

MKDOCS = ("mkdocs.yml", "mkdocs.yaml")
SPHINX = ("docs/conf.py", "docs/source/conf.py", "doc/conf.py", "doc/source/conf.py", "source/conf.py", "conf.py")
PELICAN = "pelicanconf.py"
READ_THE_DOCS = (".readthedocs.yaml", ".readthedocs.yml")
READS: Sequence[str] = (*MKDOCS, *SPHINX, PELICAN, *READ_THE_DOCS)

_REQUIREMENTS = ("docs/requirements.txt", "doc/requirements.txt", "requirements/docs.txt", "requirements-docs.txt")
_SITE_DIR = re.compile(r"""^site_dir:[ \t]*+["']?([^"'#\n]{1,200}?)["']?[ \t]*+(?:#.*)?$""", re.MULTILINE)
_THEME = re.compile(
    r"""^theme:[ \t]*["']?([\w-]+)|^theme:[ \t]*\n(?:[ \t][^\n]*\n){0,40}?[ \t]+name:[ \t]*["']?([\w-]+)""",
    re.MULTILINE,
)
_PLUGIN = re.compile(r"^[ \t]*+-[ \t]++([a-z][\w/-]*+)[ \t]*+:?[ \t]*+$", re.MULTILINE)
_EXTENSION = re.compile(r"""["']((?:myst_parser|sphinx_\w|sphinxcontrib\.\w|nbsphinx|numpydoc|furo)[\w.]*+)["']""")
_HTML_THEME = re.compile(r"""^html_theme[ \t]*=[ \t]*["']([\w-]+)["']""", re.MULTILINE)
_ASKS_GIT = (
    "A plugin of MkDocs asks git when a page was changed, and a release has no .git: write "
    "'fallback_to_build_date: true' below git-revision-date-localized in mkdocs.yml."
)
# The form of the addresses: /page/ instead of /page.html, or all on one page.
_BUILDER = re.compile(r"^[ \t]+builder:[ \t]*[\"']?(dirhtml|singlehtml)\b", re.MULTILINE)
# Where its host is told that the settings are: `sphinx:` and below it `configuration: pages/conf.py`.
_PLACES: Mapping[str, re.Pattern[str]] = {
    tool: re.compile(
        rf"^{tool}:[ \t]*(?:#[^\n]*)?\n(?:[ \t][^\n]*\n){{0,8}}?"
        r"[ \t]{1,20}configuration:[ \t]*[\"']?(?:\./)?([\w./-]{1,200})",
        re.MULTILINE,
    )
    for tool in ("sphinx", "mkdocs")
}
_THEMES: Mapping[str, str] = {
    "material": "mkdocs-material",
    "readthedocs": "",
    "mkdocs": "",
    "sphinx_rtd_theme": "sphinx-rtd-theme",
    "furo": "furo",
    "pydata_sphinx_theme": "pydata-sphinx-theme",
    "sphinx_book_theme": "sphinx-book-theme",
    "shibuya": "shibuya",
}
_PLUGINS: Mapping[str, str] = {
    "mkdocstrings": "mkdocstrings[python]",
    "awesome-pages": "mkdocs-awesome-pages-plugin",
    "minify": "mkdocs-minify-plugin",
    "redirects": "mkdocs-redirects",
    "macros": "mkdocs-macros-plugin",
    "git-revision-date-localized": "mkdocs-git-revision-date-localized-plugin",
    "glightbox": "mkdocs-glightbox",
    "rss": "mkdocs-rss-plugin",
    "literate-nav": "mkdocs-literate-nav",
    "gen-files": "mkdocs-gen-files",
    "section-index": "mkdocs-section-index",
    "include-markdown": "mkdocs-include-markdown-plugin",
    "mike": "mike",
}


def find_site(tree: Tree, requires: Requirements) -> Start | None:
    """The site that is generated; None where nothing is configured for one."""
    return _mkdocs(tree, requires) or _pelican(tree, requires) or _sphinx(tree, requires)


def is_site(tree: Tree) -> str | None:
    """The file that says that a site is generated."""
    return _of_mkdocs(tree) or (PELICAN if PELICAN in tree else None) or _of_sphinx(tree)


def referred(tree: Tree) -> frozenset[str]:
    """The settings of a site that its host is told of."""
    return frozenset(name for tool in _PLACES if (name := _told(tree, tool)) is not None)


def _told(tree: Tree, tool: str) -> str | None:
    found = (match[1] for name in READ_THE_DOCS if (match := _PLACES[tool].search(tree.text(name))))
    return next((name for name in found if name in tree), None)


def _of_mkdocs(tree: Tree) -> str | None:
    return next((name for name in MKDOCS if name in tree), None) or _told(tree, "mkdocs")


def _of_sphinx(tree: Tree) -> str | None:
    return next((name for name in SPHINX if _is_sphinx(tree, name)), None) or _told(tree, "sphinx")


def docs_requirements(tree: Tree) -> str | None:
    """The requirements file that is for the site alone."""
    return next((name for name in _REQUIREMENTS if name in tree), None)


def _mkdocs(tree: Tree, requires: Requirements) -> Start | None:
    name = _of_mkdocs(tree)
    if name is None:
        return None
    text = python_code.source(tree, name)
    match = _SITE_DIR.search(text)
    folder = posixpath.normpath(match[1]) if match else "site"
    folder = "site" if folder.startswith(("..", "/")) else folder
    above = posixpath.dirname(name)
    where = ("--config-file", name) if above else ()  # from whose folder the other one is counted
    theme = _THEME.search(text)
    wanted = [_THEMES.get((theme[1] or theme[2]) if theme else "mkdocs", ""), *_of_plugins(text)]
    missing = _missing(tree, requires, "mkdocs", wanted)
    return Start(
        framework="MkDocs",
        reason=f"MkDocs: {name}{_installed(missing)}",
        adds=missing,
        follows=_follows(tree, missing, name),
        phases=(Phase(name="build", argv=("mkdocs", "build", *where, "--site-dir", folder)),),
        site=Site(folders=(posixpath.join(above, folder),)),
        notes=(_ASKS_GIT,) if "git-revision-date" in text and "fallback_to_build_date" not in text else (),
    )


def _pelican(tree: Tree, requires: Requirements) -> Start | None:
    if PELICAN not in tree:
        return None
    settings = "publishconf.py" if "publishconf.py" in tree else PELICAN
    missing = _missing(tree, requires, "pelican", ["markdown"] if tree.matching("content/*.md") else [])
    return Start(
        framework="Pelican",
        reason=f"Pelican: {PELICAN}{_installed(missing)}",
        adds=missing,
        follows=_follows(tree, missing, PELICAN),
        phases=(Phase(name="build", argv=("pelican", "content", "-o", "output", "-s", settings)),),
        site=Site(folders=("output",)),
    )


def _sphinx(tree: Tree, requires: Requirements) -> Start | None:
    name = _of_sphinx(tree)
    if name is None:
        return None
    source = posixpath.dirname(name) or "."
    output = "_site" if source == "." else posixpath.join(source.removesuffix("/source"), "_build/html")
    text = python_code.source(tree, name)
    theme = _HTML_THEME.search(text)
    wanted = [_THEMES.get(theme[1], "") if theme else "", *dict.fromkeys(_of_extensions(text))]
    missing = _missing(tree, requires, "sphinx", wanted)
    builder, said = next(_builders(tree), ("html", ""))
    return Start(
        framework="Sphinx",
        reason=f"Sphinx: {name}{_installed(missing)}{said}",
        adds=missing,
        follows=_follows(tree, missing, name),
        phases=(Phase(name="build", argv=("sphinx-build", "-b", builder, source, output)),),
        site=Site(folders=(output,)),
    )


def _builders(tree: Tree) -> Iterator[tuple[str, str]]:
    """The builder of Sphinx that its host is told, and what is to be said of it."""
    for name in READ_THE_DOCS:
        if match := _BUILDER.search(tree.text(name)):
            yield match[1], f", {match[1]} as {name} has it"


def _is_sphinx(tree: Tree, name: str) -> bool:
    if name not in tree:
        return False
    text = python_code.source(tree, name)
    return any(word in text for word in ("extensions", "html_theme", "master_doc", "sphinx"))


def _of_plugins(text: str) -> Iterator[str]:
    start = text.find("plugins:")
    for match in _PLUGIN.finditer(text, start) if start >= 0 else ():
        if match[1] in _PLUGINS:
            yield _PLUGINS[match[1]]


def _of_extensions(text: str) -> Iterator[str]:
    for match in _EXTENSION.finditer(text):
        top = match[1].split(".")
        yield "-".join(top[:2] if top[0] == "sphinxcontrib" else top[:1]).replace("_", "-")


def _missing(tree: Tree, requires: Requirements, program: str, wanted: list[str]) -> tuple[str, ...]:
    """What has to be installed beside what is required: the list that is for the site, else what its settings name."""
    if program in requires:
        return ()
    listed = docs_requirements(tree)
    if listed is not None:
        own = of_file(tree, listed)
        return ("-r", listed) if program in own else (program, "-r", listed)
    return (program, *(name for name in dict.fromkeys(wanted) if name and name.split("[")[0] not in requires))


def _follows(tree: Tree, missing: tuple[str, ...], name: str) -> tuple[str, ...]:
    """The files that name what is installed for the site."""
    if not missing:
        return ()
    return of_file(tree, missing[-1]).files if "-r" in missing else (name,)


def _installed(missing: tuple[str, ...]) -> str:
    names = " ".join(missing)
    return (
        f", {names} is installed for it"
        if missing and missing[0] != "-r"
        else f", with {missing[1]}"
        if missing
        else ""
    )
