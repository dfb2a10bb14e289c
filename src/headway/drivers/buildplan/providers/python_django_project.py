"""Projects of Django: where their manage.py lies, and the settings that it names, as far as these are read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from headway.drivers.buildplan.image_stages import last_stage
from headway.drivers.buildplan.procfile import PROCFILE
from headway.drivers.buildplan.providers.python_code import imports, source
from headway.drivers.buildplan.providers.python_django_settings import imported, settings_of
from headway.drivers.buildplan.tree import Tree
from headway.drivers.buildplan.volumes import FILES
from headway.kernel.dataclass import dataclass

SETTINGS = re.compile(r"""DJANGO_SETTINGS_MODULE["'][ \t]*[\],][ \t=]*["']([A-Za-z_][\w.]*)["']""")
_ANY_SETTINGS = re.compile(r"""DJANGO_SETTINGS_MODULE["']?[ \t]*+[\],:=]?[ \t=]*+["']?([A-Za-z_][\w.]*)""")
_NAME = "DJANGO_SETTINGS_MODULE"
_OF_AN_IMAGE = re.compile(
    rf"^[ \t]*ENV[ \t][^\n]{{0,2000}}?\b{_NAME}[ \t=][ \t]*[\"']?([A-Za-z_][\w.]{{0,200}})",
    re.MULTILINE | re.IGNORECASE,
)
_STARTS = re.compile(r"\bget_[aw]sgi_application\(|\b[AW]SGIHandler\(|\bdjango\.setup\(")
_LOCAL = re.compile(r"dev(?:el(?:opment)?)?|local|debug")
_MOST_DEPTH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DjangoProject:
    """``folder`` has the manage.py, ``settings`` is the module that it names, ``texts`` the settings as far as read,
    ``is_whole`` where these are all; ``is_guessed`` where nothing names them, without which Django does not start.
    """

    folder: str
    tree: Tree
    settings: str
    texts: tuple[tuple[str, str], ...]
    is_whole: bool = False
    is_guessed: bool = False

    @property
    def may_have_database(self) -> bool:
        """Whether it has one, as far as its settings tell, without which Django can migrate nothing."""
        return not self.is_whole or any("DATABASES" in text for _, text in self.texts)

    def matches(self, pattern: re.Pattern[str]) -> bool:
        return any(pattern.search(text) for _, text in self.texts)


def django_projects(tree: Tree) -> Iterator[DjangoProject]:
    """Those that a manage.py is of, the shallowest first: one at the top may lead to that of a folder."""
    for name in (*tree.matching("manage.py"), *tree.matching("*/manage.py"), *tree.matching("*/*/manage.py")):
        match = SETTINGS.search(source(tree, name))
        is_django = match is not None or imports(source(tree, name), "django")
        if is_django and name.count("/") <= _MOST_DEPTH and not name.startswith(("tests/", "examples/", "docs/")):
            folder = posixpath.dirname(name)
            inner = tree.below(folder) if folder else tree
            settings = match[1] if match else _guessed_settings(inner)
            used = dict.fromkeys(_served_with(inner)) or (settings,)
            read = settings_of(inner, (*used, *_of_releases(inner, tree, used)))
            found = DjangoProject(
                folder=folder, tree=inner, settings=settings, texts=read.texts, is_whole=read.is_whole
            )
            yield replace(found, is_guessed=match is None and not _is_named(inner, tree, settings))


def _served_with(tree: Tree) -> Iterator[str]:
    """The settings that modules for servers name."""
    for name in (each for each in sorted(tree.contents) if each.endswith(("wsgi.py", "asgi.py"))):
        if "test" not in name and (match := SETTINGS.search(source(tree, name))) is not None:
            yield match[1]


def _of_releases(tree: Tree, whole: Tree, used: Iterable[str]) -> Iterator[str]:
    """Those that a Procfile names, and those for a release that lie beside a developer's: they may well be used."""
    yield from _ANY_SETTINGS.findall(whole.text(PROCFILE))
    for each in used:
        if (other := for_production(tree, each)) is not None:
            yield other


def for_production(tree: Tree, settings: str) -> str | None:
    """The settings for a release that lie beside a developer's; None where there are none, or these are none."""
    package, _, last = settings.rpartition(".")
    names = (f"{package}.{stem}" for stem in ("production", "prod", "live", "heroku", "deploy"))
    return next((name for name in names if is_module(tree, name)), None) if package and _LOCAL.fullmatch(last) else None


def _guessed_settings(tree: Tree) -> str:
    """The settings where nothing names them: the only module, or that of a package which is meant for a release."""
    inner = {
        stem: (*tree.matching(f"*/settings/{stem}.py"), *tree.matching(f"*/*/settings/{stem}.py"))
        for stem in ("production", "prod", "base", "__init__")
    }
    full = [name for name in inner["__init__"] if source(tree, name).strip()]
    alone = (*tree.matching("*/settings.py"), *tree.matching("*/*/settings.py"))
    names = (*alone, *full, *inner["production"], *inner["prod"], *inner["base"], *inner["__init__"])
    return names[0].removesuffix(".py").removesuffix("/__init__").replace("/", ".") if names else ""


def _is_named(tree: Tree, whole: Tree, guessed: str) -> bool:
    """Whether something that is read of the project names settings other than those, or a module may that is not read
    and that it begins with.
    """
    own = (name for name in tree.contents if name.endswith((".py", ".env")) and "test" not in name)
    started = (whole.text(name) for name in (*FILES, PROCFILE) if name in whole.contents)
    texts = [text for text in (*map(tree.text, own), *started) if "DJANGO_SETTINGS_MODULE" in text]
    return any({*_ANY_SETTINGS.findall(text)} != {guessed} for text in texts) or _begins_elsewhere(tree)


def _begins_elsewhere(tree: Tree) -> bool:
    names = (each for each in tree.contents if each.endswith(("manage.py", "wsgi.py", "asgi.py")))
    files = (file for name in names for file in chain(*imported(name, source(tree, name))))
    return any(file in tree and file not in tree.contents for file in files)


def started_with(tree: Tree, project: DjangoProject, module: str) -> str | None:
    """The settings that a server has to be told, since the module that it serves names none: those of the manage.py,
    else those of the Dockerfile. None where it names them, or may by another module of the project that is not known.
    """
    path = module.replace(".", "/")
    file = f"{path}.py" if f"{path}.py" in project.tree else f"{path}/__init__.py"
    text = source(project.tree, file)
    if (
        _STARTS.search(text) is None
        or _NAME in text
        or any(_may_name(project.tree, each) for each in chain(*imported(file, text)))
    ):
        return None
    if SETTINGS.search(source(project.tree, "manage.py")):
        return project.settings
    match = _OF_AN_IMAGE.search(last_stage(tree))
    return match[1] if match is not None and is_module(project.tree, match[1]) else None


def _may_name(tree: Tree, file: str) -> bool:
    return file in tree and (file not in tree.contents or _NAME in source(tree, file))


def is_module(tree: Tree, module: str) -> bool:
    """Whether there is such a module: a file, or a package."""
    path = module.replace(".", "/")
    return f"{path}.py" in tree or f"{path}/__init__.py" in tree
