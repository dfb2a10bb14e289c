"""A compose file as its author wrote it: what services it names, and which other files it would have read."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from headway.drivers.runtimes.compose.references import TooMuch, require_few
from headway.kernel.errors import InvalidInput

Document = Mapping[str, Any]
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
    """YAML as values; what a tag of Compose (``!reset``, ``!override``) stands at is read as if there were none."""


def _untagged(loader: yaml.CSafeLoader, _suffix: str, node: yaml.Node) -> Any:  # noqa: ANN401 - any value
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Loader.add_multi_constructor("!", _untagged)


def read(text: str, most_references: int) -> Document:
    """The file as values. Raises InvalidInput that says where it is no YAML, or no compose file, or that it comes to
    more than may be read.
    """
    try:
        require_few(text, most_references)
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader with tags overlooked
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
