"""What is uploaded to a Django project (MEDIA_ROOT): its folder stays, or a variable leads it to the one that does."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Sequence
from typing import Final

from headway.drivers.buildplan.providers.python_django_project import DjangoProject
from headway.drivers.buildplan.providers.python_paths import Variables, is_outside, words
from headway.drivers.buildplan.providers.python_variables import Given, first_read
from headway.drivers.buildplan.tree import Tree
from headway.drivers.buildplan.volumes import is_kept
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import DATA

UPLOADED: Final = "what is uploaded (MEDIA_ROOT)"

_SETTING: Final = "MEDIA_ROOT"
_NOTHING = re.compile(r"""[ \t]*(?:None|["']{2})[ \t]*$""")
_RELATIVE = re.compile(r"""[ \t]*["']((?:\./)?[\w-][\w.-]*(?:/[\w-][\w.-]*){0,4})/?["'][ \t]*$""")
_LAST = re.compile(r"""[/"']([\w-][\w.-]{0,60})/?["'][ \t)]*$""")
_NAMES_A_FOLDER = re.compile(r"MEDIA|UPLOAD|FILES|DIR|ROOT|PATH|FOLDER|STORAGE")
_ELSEWHERE = re.compile(r"storages\.backends|S3Boto3?Storage|GoogleCloudStorage|AzureStorage|cloudinary")
_OF_THE_PROGRAM: Final = (".py", ".html", ".css", ".js")
_IN_TEXT = re.compile(r"""\bf["']\{(\w{1,40})\}/([^"'\n{}]{1,100})["']""")  # f"{BASE_DIR}/media"
_MOST_STEPS: Final = 3
_MOST_NAMES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """How they stay: a folder to ``keep``, or a variable that is ``given``; and what is to be said."""

    keep: tuple[str, ...] = ()
    given: tuple[Given, ...] = ()
    note: str = ""


def uploads(tree: Tree, project: DjangoProject, keep: Collection[str], led: Collection[str]) -> Uploads:
    """Those of the settings of a project in a tree. Who has folders stay has said which: he is told of one that is
    lost. ``led`` are the variables that name the folder that stays.
    """
    modules = [Variables(posixpath.join(project.folder, name), text) for name, text in project.texts]
    found = next(((each, made) for each in modules if (made := each.definition(_SETTING)) is not None), None)
    if found is None or _NOTHING.match(found[1]) or _is_led(modules, found[1], {*led, DATA[1:]}):
        return Uploads()
    module, made = found
    folder = _folder(modules, module, made, project.folder)
    if folder is not None and is_kept(folder, keep):
        return Uploads()
    if folder is not None and _may_stay(tree, modules, folder):
        return _kept(tree, folder, keep)
    read = first_read(made)
    is_alone = read is not None and not made[: made.index(read.text)].removesuffix("os.").strip(" (\n\t")
    if read is not None and is_alone and not keep and _NAMES_A_FOLDER.search(read.name):
        last = _LAST.search(made)
        value = f"{DATA}/{last[1] if last is not None and last[1] != read.name else 'media'}"
        note = f"{read.name} is {value}, a folder that stays, unless you set it."
        return Uploads(given=(Given(name=read.name, value=value, note=note),))
    return Uploads() if project.matches(_ELSEWHERE) else Uploads(note=_lost(module.name))


def _kept(tree: Tree, folder: str, keep: Collection[str]) -> Uploads:
    if keep:
        what = f"What is uploaded goes into {folder} (MEDIA_ROOT), and with the release"
        return Uploads(note=f"{what}: have {folder} stay too (--keep).")
    is_filled = any(name.startswith(f"{folder}/") for name in tree.names)
    once = (
        f"What the repository has in {folder} is put into the folder that stays once: what is committed later is not."
    )
    return Uploads(keep=(folder,), note=once if is_filled else "")


def _lost(file: str) -> str:
    return (
        f"What is uploaded is lost with the release, unless MEDIA_ROOT ({file}) is a folder that stays: let it be one "
        "below that in DATA_DIR, or name it (headway apps set APP --keep FOLDER)."
    )


def _folder(modules: Sequence[Variables], module: Variables, made: str, begin: str) -> str | None:
    """The folder that an expression names, where no variable of the environment is set; None where the text does not
    tell, or it is outside the tree. ``begin`` is where the program is started.
    """
    read = first_read(made)
    text = made if read is None else made.replace(read.text, "(", 1)
    if read is None and (relative := _RELATIVE.match(text)):
        return posixpath.normpath(posixpath.join(begin, relative[1]))
    found = module.folder_of(_IN_TEXT.sub(r'\1 / "\2"', text), among=modules, otherwise=begin)
    return None if found is None or found == "." or is_outside(found) else found


def _is_led(modules: Sequence[Variables], made: str, led: Collection[str]) -> bool:
    """Whether an expression, or one of the variables that it is made of, reads what leads to the folder that stays."""
    texts, known = [made], set[str]()
    for _ in range(_MOST_STEPS):
        if any(read.name in led for text in texts if (read := first_read(text)) is not None):
            return True
        names = [name for text in texts for name in words(text) if name not in known][:_MOST_NAMES]
        known.update(names)
        texts = [text for name in names for each in modules if (text := each.definition(name)) is not None]
    return False


def _may_stay(tree: Tree, modules: Sequence[Variables], folder: str) -> bool:
    """Whether nothing in a folder is the program's own, which changes with each release: its sources, and the static
    files that the build puts there.
    """
    inside = (name for name in tree.names if name.startswith(f"{folder}/"))
    if folder in tree or any(name.endswith(_OF_THE_PROGRAM) for name in inside):
        return False
    static = ((each, made) for each in modules if (made := each.definition("STATIC_ROOT")) is not None)
    places = (_folder(modules, each, made, "") for each, made in static)
    return not any(f"{each}/".startswith(f"{folder}/") for each in places if each is not None)
