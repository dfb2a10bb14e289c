"""Projects of Django: where their manage.py lies, and the settings that it names, as far as these are read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from headway.drivers.buildplan.image_stages import last_stage
from headway.drivers.buildplan.procfile import PROCFILE
from headway.drivers.buildplan.providers.python_code import imports, source
from headway.drivers.buildplan.tree import Tree
from headway.drivers.buildplan.volumes import FILES

SETTINGS = re.compile(r"""DJANGO_SETTINGS_MODULE["'][ \t]*[\],][ \t=]*["']([A-Za-z_][\w.]*)["']""")
_ANY_SETTINGS = re.compile(r"""DJANGO_SETTINGS_MODULE["']?[ \t]*[\],:=]?[ \t=]*["']?([A-Za-z_][\w.]*)""")
_IMPORTS = re.compile(
    r"^[ \t]*(?:from|import)[ \t]+(\.{0,3}\w[\w.]{0,100}|\.{1,3})(?:[ \t]+import[ \t]+\(?[ \t]*(\w{1,60}))?",
    re.MULTILINE,
)
_NAME = "DJANGO_SETTINGS_MODULE"
_OF_AN_IMAGE = re.compile(
    rf"^[ \t]*ENV[ \t][^\n]{{0,2000}}?\b{_NAME}[ \t=][ \t]*[\"']?([A-Za-z_][\w.]{{0,200}})",
    re.MULTILINE | re.IGNORECASE,
)
_STARTS = re.compile(r"\bget_[aw]sgi_application\(|\b[AW]SGIHandler\(|\bdjango\.setup\(")
_MOST_DEPTH = 2
_MOST_TEXT = 256 << 10  # of all settings: real ones have a tenth of that


@dataclass(frozen=True, slots=True, kw_only=True)
class DjangoProject:
    """``folder`` has the manage.py, ``settings`` is the module that it names, ``texts`` the settings as far as read;
    ``is_guessed`` where nothing names them, without which Django does not start.
    """

    folder: str
    tree: Tree
    settings: str
    texts: tuple[tuple[str, str], ...]
    is_guessed: bool = False

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
            found = DjangoProject(
                folder=folder, tree=inner, settings=settings, texts=tuple(_first(_texts(inner, settings)))
            )
            yield replace(found, is_guessed=match is None and not _is_named(inner, tree, settings))


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
    files = (file for name in names for file in _imported(name, source(tree, name)))
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
        or any(_may_name(project.tree, each) for each in _imported(file, text))
    ):
        return None
    if SETTINGS.search(source(project.tree, "manage.py")):
        return project.settings
    match = _OF_AN_IMAGE.search(last_stage(tree))
    return match[1] if match is not None and is_module(project.tree, match[1]) else None


def _may_name(tree: Tree, file: str) -> bool:
    return file in tree and (file not in tree.contents or _NAME in source(tree, file))


def _imported(file: str, text: str) -> Iterator[str]:
    """The files that a file of the project may import, whether they are there or not."""
    for match in _IMPORTS.finditer(text):
        module, what = match[1], match[2]
        dots = len(module) - len(module.lstrip("."))
        above = "/".join(file.split("/")[:-dots]) if dots else ""
        path = posixpath.join(above, module.lstrip(".").replace(".", "/")).rstrip("/")
        yield from (f"{path}.py", f"{path}/__init__.py", f"{path}/{what}.py")


def _first(texts: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """As many as are looked at."""
    length = 0
    for name, text in texts:
        length += len(text)
        if length > _MOST_TEXT:
            return
        yield name, text


def _texts(tree: Tree, settings: str) -> Iterator[tuple[str, str]]:
    """The settings module, and those in its folder that it is made of."""
    path = settings.replace(".", "/")
    folder = path if f"{path}/__init__.py" in tree else posixpath.dirname(path)
    is_folder_of_settings = posixpath.basename(folder) in {"settings", "config", "conf"} or folder == path
    beside = tree.matching(f"{folder}/*.py") if folder and is_folder_of_settings else ()
    for name in dict.fromkeys((f"{path}.py", f"{path}/__init__.py", *beside)):
        if name in tree.contents and not any(word in name for word in ("test", "local", "urls", "wsgi", "asgi")):
            yield name, source(tree, name)
    if not beside:
        yield from ((name, source(tree, name)) for name in (f"{path}.py",) if "local" in name and name in tree.contents)


def is_module(tree: Tree, module: str) -> bool:
    """Whether there is such a module: a file, or a package."""
    path = module.replace(".", "/")
    return f"{path}.py" in tree or f"{path}/__init__.py" in tree
