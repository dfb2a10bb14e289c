"""A compose file as its author wrote it: what services it names, and which other files it would have read."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from headway.drivers.runtimes.compose.references import TooMuch, require_few
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

Document = Mapping[str, Any]
_OF_YAML = "tag:yaml.org,2002:"
_MERGE = f"{_OF_YAML}merge"
_UNDERSTOOD = frozenset([f"{_OF_YAML}null", _MERGE])
_RESET = "!reset"
_NOTHING: tuple[object, ...] = ("", "~", "null", "Null", "NULL", [])
_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("$", "\\$"), ("\n", "\\n"), ("\r", "\\r"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file that reading a compose file opens: ``path`` as it is written, and whether it is a compose file itself; the
    ``folder`` is then where its own paths begin, if that is not the one that it lies in.
    """

    path: str
    is_compose: bool
    where: str
    folder: str | None = None


class _Loader(yaml.CSafeLoader):
    """YAML as lists and mappings of texts, whatever tags say. Compose tells by other rules what a text or a tag is (a
    file may be called ``on``, and what says that it is a set is a mapping): here that must decide of no file whether it
    is found. A tag of Compose is overlooked, but for ``!reset``, which takes away what it stands at.
    """

    def get_single_data(self) -> object:
        node = self.get_single_node()
        if node is None:
            return None
        _make_plain(node)
        return self.construct_document(node)


def _make_plain(node: yaml.Node) -> None:
    """Takes away what is reset, and all tags. Raises InvalidInput where Compose could take something for another thing
    than we do.
    """
    todo, seen = [node], dict[int, yaml.Node]()
    while todo:
        each = todo.pop()
        if id(each) in seen:
            continue
        seen[id(each)] = each
        if each.tag == f"{_OF_YAML}binary":
            raise _unclear(each, "is written as !!binary", "as text")
        if each.tag == _RESET and each.value not in _NOTHING:
            raise _unclear(each, "is reset and has a value too", "!reset null")
        if isinstance(each, yaml.MappingNode):
            _require_keys(each)
            todo += [part for pair in each.value for part in pair]
            each.value = [(key, value) for key, value in each.value if value.tag != _RESET]
        elif isinstance(each, yaml.SequenceNode):
            todo += each.value
            each.value = [value for value in each.value if value.tag != _RESET]
    for each in seen.values():
        if isinstance(each, yaml.ScalarNode):
            each.tag = each.tag if each.tag in _UNDERSTOOD else f"{_OF_YAML}str"
        else:
            each.tag = f"{_OF_YAML}map" if isinstance(each, yaml.MappingNode) else f"{_OF_YAML}seq"


def _require_keys(node: yaml.MappingNode) -> None:
    known = set[str]()
    for key, _ in node.value:
        if key.tag == _MERGE and key.value != "<<":
            raise _unclear(key, "is written as !!merge", "<<")
        if isinstance(key, yaml.ScalarNode):
            if key.value in known:
                raise _unclear(key, f"({key.value}) stands there twice", "it once")
            known.add(key.value)


def _unclear(node: yaml.Node, what: str, instead: str) -> InvalidInput:
    mark = node.start_mark
    return InvalidInput(
        f"In the compose file something {what}: line {mark.line + 1}, column {mark.column + 1}. Write {instead}."
    )


def read(text: str, most_references: int) -> Document:
    """The file as texts. Raises InvalidInput that says where it is no YAML, or no compose file, or that it comes to
    more than may be read.
    """
    try:
        require_few(text, most_references)
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - one that makes texts of everything
    except TooMuch as error:
        raise InvalidInput(f"The compose file {error}: write it shorter.") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark is not None else "somewhere"
        raise InvalidInput(f"The compose file is no YAML: {where}: {error.problem}.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidInput("The compose file is no YAML that can be read.") from error
    if not isinstance(found, dict) or not isinstance(found.get("services", {}), dict):
        raise InvalidInput(
            "The compose file has no services: write services: on a line of its own, and name them below it."
        )
    return found


def service_names(document: Document) -> list[str]:
    """The services that the file itself names."""
    return [str(name) for name in document.get("services") or {}]


def opened_by(document: Document) -> Iterator[Opened]:
    """Every other file that is read with this one: included and extended files, and files of variables."""
    for each in _listed(document.get("include")):
        yield from _included(each if isinstance(each, dict) else {"path": each})
    for name, service in (document.get("services") or {}).items():
        if not isinstance(service, dict):
            continue
        extends = service.get("extends")
        if isinstance(extends, dict) and extends.get("file") is not None:
            yield _opened(extends["file"], f"extends of {name}", is_compose=True)
        for key in ("env_file", "label_file"):
            for each in _listed(service.get(key)):
                path = each.get("path") if isinstance(each, dict) else each
                yield _opened(path, f"{key} of {name}", is_compose=False)


def _included(each: Mapping[str, Any]) -> Iterator[Opened]:
    """The files of one include; without files of variables Compose takes the .env that lies where its paths begin."""
    paths = [str(path) for path in _listed(each.get("path"))]
    folders = [str(folder) for folder in _listed(each.get("project_directory")) if folder]
    begin = folders[0] if folders else posixpath.dirname(paths[0]) if paths else ""
    for path in paths:
        yield Opened(path=path, is_compose=True, where="include", folder=begin)
    variables = _listed(each.get("env_file")) or [posixpath.join(begin, ".env")]
    for path in [*variables, *folders]:
        yield _opened(path, "include", is_compose=False)


def dump(document: Document) -> str:
    """The values as a compose file for people to read."""
    return yaml.safe_dump(_plain(document), sort_keys=False, allow_unicode=True, width=120)


def variables_file(variables: Mapping[str, str]) -> str:
    """Variables as a file that Compose reads to the very same values."""
    return "".join(f"{name}={_quoted(value)}\n" for name, value in variables.items())


def _quoted(value: str) -> str:
    if "'" not in value and "\\" not in value:
        return f"'{value}'"
    for sign, written in _ESCAPES:
        value = value.replace(sign, written)
    return f'"{value}"'


def _opened(path: object, where: str, *, is_compose: bool) -> Opened:
    return Opened(path=str(path), is_compose=is_compose, where=where)


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
