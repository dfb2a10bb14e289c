"""The variables that a program in Go takes values from, with those that it has of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

# Of this machine: at any other address it is another program that is asked.
PLACE = re.compile(r"(?:\[::1?\]|0\.0\.0\.0|127\.0\.0\.1|localhost|\*)?:\d{2,5}")
_LITERAL = re.compile(rf'"({PLACE.pattern}|\d{{4,5}})"')
_TAG = re.compile(r"^([ \t]+)\w+[ \t]+(?:string|int|uint16)[ \t]+`([^`\n]{1,400})`", re.MULTILINE)
# Also as go-arg has it: `arg:"--addr,env:SHOP_ADDR"`.
_VARIABLE = re.compile(r'\b(?:(?:env|envconfig):"|arg:"(?:[^"\n]{0,100},)?env:)([A-Z][A-Z0-9_]*)')
_DEFAULT = re.compile(r'\b(?:default|envDefault):"([^"]*)"')
# What stands before each name in the tags of a file (caarlos0/env).
_PREFIX = re.compile(r'\bPrefix:[ \t]*"([A-Z][A-Z0-9_]{0,40})"')
_NAMESPACE = re.compile(r'\b(?:env-namespace|envPrefix|env_prefix):"')
_CLI = re.compile(r"(?:EnvVars?[ \t]*+:[ \t]*+(?:\[\]string\{)?|cli\.EnvVars\()[ \t]*+\"([A-Z][A-Z0-9_]*)\"")
_CLI_VALUE = re.compile(r"\bValue[ \t]*:[ \t]*(\"[^\"\n]{0,60}\"|\d{2,5})")
_FLAG_OF_CLI: Final = "Flag{"
_GETENV = re.compile(r'\bos\.(?:Getenv|LookupEnv)\("([A-Z][A-Z0-9_]*)"\)')
# A function of its own that has a value for a variable that is not set, as most programs have one.
_OR_ELSE = re.compile(r'\b(\w{1,60})\(\s{0,20}"([A-Z][A-Z0-9_]*)"\s{0,20},\s{0,20}("[^"\n]{1,60}"|\d{2,5})\s{0,20}\)')
_OF_ENV = re.compile(r"[eE]nv|ENV")
_ASKS = re.compile(
    r"^func[ \t]+(\w{1,60})\([ \t]*(\w{1,40})\b[^)\n]{0,100}\)[^{\n]{0,60}\{"
    r"(?:(?!\n\}).){0,300}?\bos\.(?:Getenv|LookupEnv)\(\2\)",
    re.MULTILINE | re.DOTALL,
)
# A field that has its value from a variable by a function of its own, and what it has without.
_INTO_FIELD = re.compile(r'\(&(?:\w{1,40}\.){1,4}(\w{1,40}),[ \t]*"([A-Z][A-Z0-9_]{0,60})"\)')
_FIELD = re.compile(r"^[ \t]+(\w{1,40})[ \t]*:[ \t]*(\"[^\"\n]{1,60}\"|\d{2,5}),[ \t]*$", re.MULTILINE)
_VIPER = re.compile(r'\b\w{1,20}\.SetDefault\([ \t]*"([\w.-]{1,60})"[ \t]*,[ \t]*("[^"\n]{1,60}"|\d{2,5})[ \t]*\)')
_VIPER_NAME = re.compile(r'\b\w{1,20}\.BindEnv\([ \t]*"([\w.-]{1,60})"[ \t]*,[ \t]*"([A-Z][A-Z0-9_]{0,60})"')
_VIPER_PREFIX = re.compile(r'\.SetEnvPrefix\([ \t]*"(\w{1,40})"[ \t]*\)')
# What stands for an address, a number, or the name of a variable, where that is written once.
_NAMED = re.compile(
    r"^(?:const[ \t]+|var[ \t]+|\t)([A-Za-z]\w{1,60})(?:[ \t]+(?:string|u?int(?:16)?))?[ \t]*=[ \t]*"
    rf'("{PLACE.pattern}"|\d{{2,5}}|"[A-Z][A-Z0-9]{{0,30}}_[A-Z0-9_]{{1,60}}")[ \t]*(?://[^\n]*)?$',
    re.MULTILINE,
)
_USED = re.compile(r'(?<![\w."&])(?:[a-z]\w{0,40}\.)?([A-Za-z]\w{1,60})(?=[ \t]*[,)}])')
_BARE_PORT = re.compile(r'\b(?:(?:env|envconfig):|arg:"(?:[^"\n]{0,100},)?env:)"?PORT"')
_ASKS_PORT = re.compile(r"""(?<!env:)(?<!envconfig:)["'`]PORT["'`]""")
_BEFORE, _AFTER = 200, 200
_MOST: Final = 500


def spelled(texts: Sequence[str]) -> list[str]:
    """The texts, where the names of addresses, ports and variables have what they stand for in their place."""
    found = {(match[1], match[2]) for text in texts for match in _NAMED.finditer(text)}
    names = [name for name, _ in found]
    known = {name: value for name, value in found if names.count(name) == 1} if len(found) <= _MOST else {}
    return [_USED.sub(lambda word: known.get(word[1], word[0]), text) if known else text for text in texts]


def variables(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The variables that these texts take values from, with those that they have of their own; of each text the
    outermost of its tags first.
    """
    helpers = {name for text in texts for name, _ in islice(_ASKS.findall(text), _MOST)}
    for text in texts:
        yield from _in_tags(text)
        yield from _in_code(text, helpers)
    yield from _of_viper("\n".join(texts))


def reads_port(texts: Sequence[str], *, is_told: bool) -> bool:
    """Whether they ask PORT itself, and not a part of them that has names of its own. ``is_told`` says that another
    variable is known that is its address.
    """
    if any(_ASKS_PORT.search(text) for text in texts) or any(name == "PORT" for name, _ in _of_viper("\n".join(texts))):
        return True
    bare = [text for text in texts if _BARE_PORT.search(text) and not _PREFIX.search(text)]
    return bool(bare) and not (is_told and (has_parts(texts) or not any(_has_own_port(text) for text in bare)))


def has_parts(texts: Sequence[str]) -> bool:
    """Whether names of variables in tags are but the ends of those that are asked."""
    return any(_NAMESPACE.search(text) for text in texts)


def _has_own_port(text: str) -> bool:
    """Whether a tag that names PORT has a value for it too."""
    return any(name == "PORT" for name, _ in _in_tags(text))


def _in_tags(text: str) -> Iterator[tuple[str, str]]:
    prefix = _PREFIX.search(text)
    before = prefix[1] if prefix is not None else ""
    for match in sorted(_TAG.finditer(text), key=lambda match: len(match[1].expandtabs(4))):
        name, value = _VARIABLE.search(match[2]), _DEFAULT.search(match[2])
        if name is not None and value is not None:
            yield f"{before}{name[1]}", value[1]


def _in_code(text: str, helpers: set[str]) -> Iterator[tuple[str, str]]:
    for match in _CLI.finditer(text):
        before = text[max(0, match.start() - _BEFORE) : match.start()].rpartition(_FLAG_OF_CLI)[2]
        after = text[match.end() : match.end() + _AFTER].partition(_FLAG_OF_CLI)[0]
        value = _CLI_VALUE.search(f"{before}{after}")
        if value is not None:
            yield match[1], value[1].strip('"')
    for match in _OR_ELSE.finditer(text):
        if match[1] in helpers or _OF_ENV.search(match[1]):
            yield match[2], match[3].strip('"')
    for match in _GETENV.finditer(text):
        value = _LITERAL.search(text[match.end() : match.end() + _AFTER])
        if value is not None:
            yield match[1], value[1]
    into = list(islice(_INTO_FIELD.finditer(text), _MOST))
    fields = dict(reversed(_FIELD.findall(text))) if into else {}  # the first that is written
    yield from ((match[2], fields[match[1]].strip('"')) for match in into if match[1] in fields)


def _of_viper(text: str) -> Iterator[tuple[str, str]]:
    """By the default of a key, and what makes the name of a variable of it."""
    named: Mapping[str, str] = dict(_VIPER_NAME.findall(text))
    prefix = _VIPER_PREFIX.search(text)
    before = f"{prefix[1].upper()}_" if prefix is not None else ""
    is_replaced, is_automatic = "SetEnvKeyReplacer(" in text, "AutomaticEnv()" in text
    for match in islice(_VIPER.finditer(text), _MOST):
        key, value = match[1], match[2]
        plain = key.upper().replace(".", "_").replace("-", "_") if is_replaced else key.upper()
        if key in named:
            yield named[key], value.strip('"')
        elif is_automatic and plain.isidentifier():
            yield f"{before}{plain}", value.strip('"')
