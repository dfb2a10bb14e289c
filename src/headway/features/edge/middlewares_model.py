"""What stands before an application: redirects, and names with passwords."""

from __future__ import annotations

from datetime import datetime

import bcrypt

from headway.kernel.artifacts import Login, Redirect
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

# The edge hashes again for each request that brings a password: 2^8 rounds take it some 15 ms.
_ROUNDS = 8
_LONGEST_BYTES = 72  # bcrypt knows no more of a password
_LONGEST_NAME = 255
_LONGEST_TEXT = 2_048


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRedirect:
    """A redirect of an application."""

    redirect_id: str
    application_id: str
    redirect: Redirect
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLogin:
    """A name and password of an application; with one or more, nobody comes in without."""

    login_id: str
    application_id: str
    login: Login
    created_at: datetime


def checked_redirect(redirect: Redirect) -> Redirect:
    """The redirect, unless the edge could not be told of it. Raises InvalidInput."""
    for text in (redirect.regex, redirect.replacement):
        if "{{" in text:
            raise InvalidInput("A redirect cannot hold two opening braces: Traefik would read a template there.")
        if not text.isprintable() or not 0 < len(text) <= _LONGEST_TEXT:
            raise InvalidInput(f"A redirect is of printable text, each part of 1 to {_LONGEST_TEXT} characters.")
    return redirect


def new_login(username: str, password: Secret) -> Login:
    """A login with its password hashed, which takes a moment of computing. Raises InvalidInput."""
    if ":" in username or not username.isprintable() or not 0 < len(username) <= _LONGEST_NAME or "{{" in username:
        raise InvalidInput(f"A user name has 1 to {_LONGEST_NAME} printable characters and no colon.")
    secret = password.reveal().encode()
    if len(secret) > _LONGEST_BYTES or b"\0" in secret:
        raise InvalidInput(f"A password has at most {_LONGEST_BYTES} bytes; this one is longer.")
    return Login(username=username, hash=bcrypt.hashpw(secret, bcrypt.gensalt(_ROUNDS)).decode())
