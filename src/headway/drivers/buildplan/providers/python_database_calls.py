"""The files that the sources of a Python application hand to what opens a database, by a literal or a constant."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from headway.drivers.buildplan.providers import python_code
from headway.drivers.buildplan.providers.database_files import plain_path
from headway.drivers.buildplan.providers.python_paths import Variables, assigned, is_outside
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

# Those of sqlite3, aiosqlite, apsw, SQLAlchemy, SQLModel, databases, dataset, LangChain, peewee and TinyDB.
_CALL = re.compile(
    r"(?<!duckdb\.)\b(?:connect|Connection|create_engine|create_async_engine|Database|from_uri|TinyDB"
    r"|(?:\w{1,20})?Sqlite\w{0,20}Database)\("
)
_KEYWORD = re.compile(r"(?:database|db|url|uri|filename|path|address|database_uri|database_url)[ \t]*=(?!=)[ \t]*")
_TEXT = re.compile(r"""[rf]{0,2}(["'])(?P<text>[^"'\n\\]{1,200})\1""")
_PART = re.compile(r"\{([A-Za-z_]\w{0,60})\}")
_OR_ELSE = re.compile(
    r"""(?:os\.)?(?:environ\.get|getenv)\(\s{0,40}["']\w{1,60}["']\s{0,40},\s{0,40}(?P<own>["'][^"'\n]{1,200}["'])"""
    r"\s{0,40}\)"
)
_WRAPPED = re.compile(r"(?:str|Path|pathlib\.Path|os\.fspath)\((?P<inner>[^()\n]{1,200}(?:\([^()\n]{0,100}\))?)\)")
_ADDED = re.compile(r"""["'](?P<scheme>sqlite(?:\+\w{1,20})?:///)["'][ \t]*\+[ \t]*(?P<rest>\S[^\n]{0,200})""")
_JOINED = re.compile(r"os\.path\.join\((?P<parts>[^()\n]{1,200})\)")
_NAME = re.compile(r"(?:(?P<owner>[A-Za-z_]\w{0,60})\.)?(?P<name>[A-Za-z_]\w{0,60})")
_SCHEME = re.compile(r"sqlite(?:\+\w{1,20})?:///|file:")
_NOT_RUN = re.compile(r"#|>>>|test", re.IGNORECASE)
_OPENS_DOCUMENTS: Final = "TinyDB"
_DOCUMENTS: Final = re.compile(r"(?:\./)?\w[\w.-]{0,80}(?:/\w[\w.-]{0,80}){0,4}\.json")
_LONGEST: Final = 300
_MOST_CALLS: Final = 20
_MOST_STEPS: Final = 4
_MOST_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class _Value:
    """A text that an expression has, and whether it leads from the folder that the program is started in."""

    text: str
    is_relative: bool = True


def opened(tree: Tree, name: str, folder: str) -> Iterator[str]:
    """The paths below the build path of the files that a source opens as databases, which is started in a folder."""
    text = python_code.source(tree, name)
    calls = list(islice(_CALL.finditer(text), _MOST_CALLS))
    source = _Source(tree, Variables(name, text)) if calls else None
    for match in calls:
        if source is None or _NOT_RUN.search(text, text.rfind("\n", 0, match.start()) + 1, match.start()):
            continue
        made = _KEYWORD.sub("", _first_argument(text, match.end()).strip(), count=1)
        value = source.value(made)
        path = _path(value, folder, is_of_documents=match[0].startswith(_OPENS_DOCUMENTS)) if value is not None else ""
        if path:
            yield path


def _path(value: _Value, folder: str, *, is_of_documents: bool) -> str:
    rest = value.text
    if (scheme := _SCHEME.match(rest)) is not None:
        rest = rest[scheme.end() :].partition("?")[0]
    path = posixpath.normpath(rest) if is_of_documents and _DOCUMENTS.fullmatch(rest) else plain_path(rest)
    return posixpath.normpath(posixpath.join(folder, path)) if path and value.is_relative else path


def _first_argument(text: str, begins: int) -> str:
    """What a call is handed first, "" where that does not end soon."""
    depth, quote = 0, ""
    for at in range(begins, min(len(text), begins + _LONGEST)):
        each = text[at]
        if quote:
            quote = "" if each == quote else quote
        elif each in "\"'":
            quote = each
        elif each in "([{":
            depth += 1
        elif depth == 0 and each in ",)":
            return text[begins:at]
        elif each in ")]}":
            depth -= 1
    return ""


@dataclass(frozen=True, slots=True)
class _Source:
    """A source file, and what its expressions are where that is written."""

    tree: Tree
    module: Variables

    def value(self, made: str, steps: int = _MOST_STEPS) -> _Value | None:
        """The text that an expression has; None where nothing says, or a variable of the environment alone does."""
        made = made.strip()
        if not steps or not made:
            return None
        if (text := _TEXT.fullmatch(made)) is not None:
            return self._filled(text["text"], steps) if made[0] in "rf" else _Value(text["text"])
        if (own := _OR_ELSE.fullmatch(made)) is not None:
            return self.value(own["own"], steps - 1)
        if (added := _ADDED.fullmatch(made)) is not None:
            rest = self.value(added["rest"], steps - 1)
            return None if rest is None else _Value(f"{added['scheme']}{rest.text}", rest.is_relative)
        if (name := _NAME.fullmatch(made)) is not None:
            return self._named(name["owner"] or "", name["name"], steps - 1)
        folder = self.module.folder_of(made, (), otherwise=".")
        if folder is not None:
            return None if is_outside(folder) else _Value(folder, is_relative=False)
        if (wrapped := _WRAPPED.fullmatch(made)) is not None:
            return self.value(wrapped["inner"], steps - 1)
        joined = _JOINED.fullmatch(made)
        return self._joined(joined["parts"].split(","), steps - 1) if joined is not None else None

    def _filled(self, text: str, steps: int) -> _Value | None:
        """A text with the constants in their places."""
        is_relative, names = True, dict.fromkeys(_PART.findall(text))
        if len(names) > _MOST_PARTS:
            return None
        for name in names:
            known = self._named("", name, steps - 1) or self._folder(name)
            if known is None:
                return None
            text, is_relative = text.replace(f"{{{name}}}", known.text), is_relative and known.is_relative
        return None if "{" in text else _Value(text, is_relative)

    def _folder(self, name: str) -> _Value | None:
        folder = self.module.folder(name)
        return None if folder is None or is_outside(folder) else _Value(folder, is_relative=False)

    def _joined(self, parts: list[str], steps: int) -> _Value | None:
        found = [self.value(each, steps) for each in parts[:_MOST_PARTS] if each.strip()]
        texts = [each.text for each in found if each is not None and each.is_relative]
        is_known = texts and len(texts) == len(found) and len(parts) <= _MOST_PARTS
        return _Value(posixpath.join(*texts)) if is_known else None

    def _named(self, owner: str, name: str, steps: int) -> _Value | None:
        """What a constant is, of this file, of an instance, of a parameter's own, or of the module it is taken from."""
        text = self.module.text
        if owner == "self":
            match = re.search(rf"^[ \t]*self\.{name}[ \t]*(?::[^=\n]{{0,40}})?=(?!=)", text, re.MULTILINE)
            return None if match is None else self.value(assigned(text, match.end()), steps)
        if owner:
            return self._of_module(owner, name, steps)
        if (made := self.module.definition(name)) is not None:
            found = self.value(made, steps)
            return found or self._folder(name)
        own = re.search(
            rf"[(,][ \t]*+{name}[ \t]*+(?::[ \t]*+\w{{1,20}}[ \t]*+)?=[ \t]*+([\"'][^\"'\n]{{1,100}}[\"'])", text
        )
        if own is not None:
            return self.value(own[1], steps)
        taken = re.search(rf"^from[ \t]+([\w.]{{1,80}})[ \t]+import[ \t][^\n]{{0,200}}\b{name}\b", text, re.MULTILINE)
        return self._of_module(taken[1].replace(".", "/").strip("/"), name, steps) if taken is not None else None

    def _of_module(self, module: str, name: str, steps: int) -> _Value | None:
        beside = posixpath.join(posixpath.dirname(self.module.name), f"{module}.py")
        file = next((each for each in (f"{module}.py", beside) if each in self.tree.contents), None)
        if file is None or file == self.module.name:
            return None
        other = _Source(self.tree, Variables(file, python_code.source(self.tree, file)))
        return None if other.module.definition(name) is None else other.value(name, steps)
