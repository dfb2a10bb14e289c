"""Variables that an application in Node reads, and whose values a release knows: secrets of its own, its address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from headway.drivers.buildplan import env_example
from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.drivers.buildplan.providers.node_package import Package
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import ADDRESS, FOR_THE_BUILD, SECRET, SECRETS

READS: Final = (".env", ".env.production", ".env.local", "*.env")

_ENDINGS: Final = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts")
# A variable that is read, and whether it is something else where nobody sets it.
_READ = re.compile(
    r"\benv(?:\.([A-Z][A-Z0-9_]{2,60})\b|\[[\"']([A-Z][A-Z0-9_]{2,60})[\"']\])(\s*(?:\|\||\?\?|\?[^.]|=[^=]))?"
)
_SET = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Z][A-Z0-9_]{1,60})[ \t]*=[ \t]*[^\s#]", re.MULTILINE)
# By their documents: what they sign by, and where they are told their own address.
_OF_PACKAGES: Final[Mapping[str, Mapping[str, str]]] = {
    "better-auth": {"BETTER_AUTH_SECRET": SECRET, "BETTER_AUTH_URL": ADDRESS},
    "payload": {"PAYLOAD_SECRET": SECRET},
    "@adonisjs/core": {"APP_KEY": SECRET},
    "@strapi/strapi": dict.fromkeys(
        ("APP_KEYS", "API_TOKEN_SALT", "ADMIN_JWT_SECRET", "TRANSFER_TOKEN_SALT", "JWT_SECRET"), SECRET
    ),
}
_AUTH_4: Final[Mapping[str, str]] = {"NEXTAUTH_SECRET": SECRET, "NEXTAUTH_URL": ADDRESS}
# Which trusts the host name that the edge forwards only where it is told to.
_TRUSTS: Final = "AUTH_TRUST_HOST"
_AUTH_5: Final[Mapping[str, str]] = {"AUTH_SECRET": SECRET, _TRUSTS: "true"}
_FIRST_AUTH: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """What it is given in the build and at run time unless the user sets it, and what is said of that."""

    build_env: Mapping[str, str] = field(default_factory=dict)
    run_env: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def find_variables(tree: Tree, packages: Sequence[Package], told: Sequence[str]) -> Variables:
    """Those of an application, whose files lie in the ``tree``, made of these packages: by what its sources read, and
    by what its file of examples says that they do. What a file of variables in the repository sets is left to that;
    all is, where what is ``told`` makes one.
    """
    if any(".env" in line for line in told):
        return Variables()
    given = dict.fromkeys(_signing(tree), SECRET)
    for package in packages:
        given |= _of_package(package)
    own = set_in_files(tree)
    given = {name: value for name, value in given.items() if name not in own}
    secret = sorted(name for name, value in given.items() if value == SECRET)
    addresses = sorted(name for name, value in given.items() if value == ADDRESS)
    notes = [f"{_listed(secret)} a secret of its own, the same for each release, unless you set it."] if secret else []
    notes += [f"{_listed(addresses)} its own address unless you set it."] if addresses else []
    notes += [
        f"{name} is {value}: the edge says which host was asked for."
        for name, value in given.items()
        if name == _TRUSTS
    ]
    return Variables(build_env=dict.fromkeys(secret, FOR_THE_BUILD), run_env=given, notes=tuple(notes))


def set_in_files(tree: Tree) -> frozenset[str]:
    """The variables that a file of them in the repository sets."""
    files = (name for pattern in READS for name in tree.matching(pattern) if name not in env_example.FILES)
    return frozenset(name for file in files for name in _SET.findall(tree.text(file)))


def _of_package(package: Package) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, values in _OF_PACKAGES.items():
        found |= values if name in package.own else {}
    wanted = package.own.get("next-auth", "")
    major = re.search(r"\d{1,5}", wanted)
    if wanted and "beta" not in wanted and (major is None or int(major[0]) < _FIRST_AUTH):
        return {**found, **_AUTH_4}
    has_auth = wanted or any(name.startswith("@auth/") and not name.endswith("adapter") for name in package.own)
    return {**found, **_AUTH_5} if has_auth else found


def _signing(tree: Tree) -> Iterable[str]:
    """The variables of that name that its sources read, or a file of examples names, and that have no value where
    nobody sets them.
    """
    found: dict[str, bool] = {}
    for name in sorted(tree.contents):
        if name.endswith(_ENDINGS):
            for match in _READ.finditer(without_comments(tree.text(name))):
                variable = match[1] or match[2]
                if variable in SECRETS:
                    found[variable] = found.get(variable, True) and match[3] is None
    named = dict.fromkeys(env_example.named_secrets(tree), True)
    return [name for name, is_missing in {**named, **found}.items() if is_missing]


def _listed(names: Sequence[str]) -> str:
    shown = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{shown} {'is' if len(names) == 1 else 'are each'}"
