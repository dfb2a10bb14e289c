"""What a release is told of itself when it starts, and values that a build leaves to be filled in with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from headway.kernel.vault import Vault

# Variables that a process is given, unless its owner sets them.
ADDRESS: Final = "$PUBLIC_URL"
DOMAIN: Final = "$HEADWAY_PUBLIC_DOMAIN"
DATA: Final = "$DATA_DIR"
TURNS: Final = f"{DATA}/.migrations"  # the file by which copies take turns as they start
# Known while a value is filled in, and given to nobody: all its names, and the origins of all, each between commas.
DOMAINS: Final = "$HEADWAY_DOMAINS"
ORIGINS: Final = "$HEADWAY_ORIGINS"
# Nothing at all, known for as long as its address is one of plain HTTP: what names it is left out where that has HTTPS.
PLAIN: Final = "$HEADWAY_BY_HTTP"
SECRET: Final = "$HEADWAY_SECRET"  # noqa: S105 - the name of one
FOR_THE_BUILD: Final = "of-the-build-only"  # what the build has in the place of a secret

# What applications call the secret that they sign their sessions with. Who gives none is given one that stays theirs.
SECRETS: Final = (
    "SECRET_KEY",
    "DJANGO_SECRET_KEY",
    "DJANGO_SECRET",
    "FLASK_SECRET_KEY",
    "APP_SECRET_KEY",
    "SESSION_SECRET",
    "SESSION_SECRET_KEY",
    "JWT_SECRET",
    "JWT_SECRET_KEY",
    "SECRET_KEY_BASE",
)

# What a package calls it whose secret it is, or a file that has it generated: by another program it may be read as
# something else.
SECRETS_OF_PACKAGES: Final = (
    "AUTH_SECRET",
    "NEXTAUTH_SECRET",
    "BETTER_AUTH_SECRET",
    "PAYLOAD_SECRET",
    "APP_KEY",
    "APP_KEYS",
    "API_TOKEN_SALT",
    "ADMIN_JWT_SECRET",
    "TRANSFER_TOKEN_SALT",
    "APP_SECRET",
)

# The secret of a variable with any other name that its sources sign by: one of each application, so that what may not
# be shown of it is known without its sources.
OTHERS: Final = "SECRET"

_NAME: Final = re.compile(r"\$([A-Z_]+)")


def known_by(told: Mapping[str, str], hosts: Sequence[str], data: str | None) -> dict[str, str]:
    """What values are filled in with, of what a release is ``told``, the ``hosts`` that lead to it and its folder."""
    known = {name: told[name] for name in (ADDRESS[1:], DOMAIN[1:]) if told.get(name)}
    if told.get(ADDRESS[1:], "").startswith("http://"):
        known[PLAIN[1:]] = ""
    if hosts:
        known[DOMAINS[1:]] = ",".join(hosts)
        known[ORIGINS[1:]] = ",".join(f"{scheme}://{host}" for host in hosts for scheme in ("https", "http"))
    return known if data is None else {**known, DATA[1:]: data}


def filled(values: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """The values with what they name; those that name what is not known are left out, a secret among them."""
    return {
        name: _NAME.sub(lambda match: known[match[1]], value)
        for name, value in values.items()
        if all(each in known for each in _NAME.findall(value))
    }


def secrets_of(vault: Vault, application_id: str) -> dict[str, str]:
    """The secrets that an application would be given, by the names of their variables."""
    names = (*SECRETS, *SECRETS_OF_PACKAGES, OTHERS)
    return {name: vault.derived(f"variable {application_id} {name}") for name in names}


def given_secrets(values: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Those of an application's ``own`` secrets that its values name, none of which is another's."""
    return {name: own.get(name, own[OTHERS]) for name, value in values.items() if value == SECRET}
