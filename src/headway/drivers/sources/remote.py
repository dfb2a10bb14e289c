"""Addresses of git repositories: which are allowed, and their credentials kept apart from what is shown."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import SplitResult, quote, unquote, urlsplit

from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

_LONGEST = 2048
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0080-\u009f\u2028\u2029]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP = re.compile(r"(?:(?P<user>[^@:/]+)@)?(?P<host>[^@:/]+):(?P<path>(?!//).+)", re.DOTALL)
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9.])?|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")
_FILLER = "x-oauth-basic"  # what stands there by custom where the user is the token
_USER = re.compile(r"[A-Za-z0-9_.+~][A-Za-z0-9_.+~@-]*")


class Transport(StrEnum):
    """The ways to a repository that Headway lets git use."""

    HTTPS = "https"
    HTTP = "http"
    SSH = "ssh"
    GIT = "git"
    FILE = "file"


_PORTS: Mapping[Transport, int] = {
    Transport.HTTPS: 443,
    Transport.HTTP: 80,
    Transport.SSH: 22,
    Transport.GIT: 9_418,
    Transport.FILE: 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """An allowed address. ``url`` holds no credentials and may be shown, logged and be an argument; ``site`` is scheme,
    host and port, for which alone ``login`` and ``password`` are meant. ``pinned`` is the IP address that alone is
    connected to for the host.
    """

    transport: Transport
    url: str
    site: str
    host: str
    login: Secret | None = None
    password: Secret | None = None
    pinned: str = ""

    @property
    def port(self) -> int:
        """The port that is connected to."""
        return urlsplit(self.site).port or _PORTS[self.transport]

    def hide(self, text: str) -> str:
        """``text`` with the credentials blotted out, should the other side have repeated them."""
        secret = self.password or self.login  # a token may stand in the place of the user
        if secret:
            for form in (secret.reveal(), quote(secret.reveal(), safe="")):
                text = text.replace(form, "******")
        return text


def credentials_in(url: str) -> list[str]:
    """What is secret in the address of a repository: its password, and a token that stands in the place of the user."""
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"}:
        return []
    token = parts.username if parts.password in {None, "", _FILLER} else None
    return [form for secret in (parts.password, token) if secret for form in (secret, unquote(secret))]


def parse_remote(url: str, *, allow_file: bool) -> Remote:
    """The remote that a user's ``url`` names: https, http, ssh (also ``user@host:path``) or git; with ``allow_file``
    also an absolute path or file://. Raises InvalidInput with a sentence that never repeats credentials.
    """
    url = url.strip()
    _refuse_what_no_address_holds(url)
    scheme = _SCHEME.match(url)
    if scheme:
        return _with_scheme(url, scheme[1].lower(), allow_file=allow_file)
    if "::" in url:
        raise InvalidInput(f"Repositories are fetched over {_allowed()}; addresses with '::' are refused.")
    if url.startswith("/"):
        return _file(url, allow_file=allow_file)
    scp = _SCP.fullmatch(url)
    if scp:
        return _scp(scp)
    raise InvalidInput(
        f"'{_short(url)}' is not the address of a repository. Write it in full, as https://… or ssh://…."
    )


def is_folder(url: str) -> bool:
    """Whether an address is a folder of the machine, however that is written; False for what is no address."""
    try:
        return parse_remote(url, allow_file=True).transport is Transport.FILE
    except InvalidInput:
        return False


def is_over_ssh(url: str) -> bool:
    """Whether a repository's address needs an SSH key; False for what is no address."""
    try:
        return parse_remote(url, allow_file=True).transport is Transport.SSH
    except InvalidInput:
        return False


def join_relative(base: Remote, relative: str) -> Remote:
    """The remote that a submodule's ``./…`` or ``../…`` names, seen from the repository ``base``; credentials stay,
    since the site is the same. Raises InvalidInput when it climbs out of the site.
    """
    head, path = _split_path(base)
    if base.transport is Transport.FILE:
        relative = quote(relative)
    joined = posixpath.normpath(posixpath.join(path, relative))
    if joined in {"", ".", "/"} or joined.startswith(("..", "-")) or _CONTROL.search(joined):
        raise InvalidInput(f"The submodule address '{_short(relative)}' leads out of {base.site or base.url}.")
    return Remote(
        transport=base.transport,
        url=head + joined,
        site=base.site,
        host=base.host,
        login=base.login,
        password=base.password,
    )


def _refuse_what_no_address_holds(url: str) -> None:
    if not url:
        raise InvalidInput("The address of the repository is missing.")
    if len(url) > _LONGEST:
        raise InvalidInput(f"The address of the repository is longer than {_LONGEST} characters.")
    if _CONTROL.search(url):
        raise InvalidInput("The address of the repository holds control characters, such as a line break.")
    if url.startswith("-"):
        raise InvalidInput("The address of a repository cannot begin with '-'.")


def _with_scheme(url: str, scheme: str, *, allow_file: bool) -> Remote:
    if scheme not in {str(transport) for transport in Transport}:
        raise InvalidInput(f"Repositories are fetched over {_allowed()}, not over '{_short(scheme)}'.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput("The address of the repository has a host or port that cannot be read.") from error
    transport = Transport(scheme)
    if transport is Transport.FILE:
        if parts.netloc not in {"", "localhost"}:
            raise InvalidInput("A file:// address is followed by an absolute path: file:///srv/repository.git.")
        return _file(unquote(url[len("file://") + len(parts.netloc) :]), allow_file=allow_file)
    host = _checked_host(parts.hostname or "")
    _refuse_odd_parts(transport, parts)
    user = parts.username
    if transport is Transport.SSH:
        place = f"{_checked_user(unquote(user))}@" if user else ""
        login = password = None
    else:
        place = ""
        login, password = _secret(user), _secret(parts.password)
    shown_host = f"[{host}]" if ":" in host else host
    site = f"{transport}://{shown_host}" + (f":{port}" if port else "")
    rest = parts.path + (f"?{parts.query}" if parts.query else "")
    return Remote(
        transport=transport,
        url=site.replace("://", f"://{place}", 1) + rest,
        site=site,
        host=host,
        login=login,
        password=password,
    )


def _refuse_odd_parts(transport: Transport, parts: SplitResult) -> None:
    if parts.path.strip("/") == "":
        raise InvalidInput("The address names a host but no repository on it: a path is missing.")
    if parts.fragment:
        raise InvalidInput("The address of a repository cannot hold '#'. Choose the branch in its own field.")
    if transport is not Transport.SSH and re.search(r"\s", parts.path + parts.query):
        raise InvalidInput("The address of a repository cannot hold spaces.")
    if transport is Transport.SSH and parts.password is not None:
        raise InvalidInput("A repository over ssh takes an SSH key, not a password in its address.")
    if transport is Transport.GIT and parts.username is not None:
        raise InvalidInput("A git:// address takes no user: that protocol knows none. Use https:// or ssh://.")


def _file(path: str, *, allow_file: bool) -> Remote:
    if not allow_file:
        raise InvalidInput(
            f"A repository in a folder of the machine is for those alone who may use the machine. Use {_allowed()}."
        )
    if _CONTROL.search(path):
        raise InvalidInput("The path of the repository holds control characters, such as a line break.")
    if not path.startswith("/"):
        raise InvalidInput("A repository in a folder of the machine is given by its absolute path.")
    return Remote(transport=Transport.FILE, url=f"file://{quote(path)}", site="", host="this machine")


def _scp(match: re.Match[str]) -> Remote:
    """``user@host:path``. A path that is not absolute begins at the user's home over there, which ssh:// cannot say
    in a way that every server understands: the form is kept.
    """
    user, host, path = match["user"], _checked_host(match["host"]), match["path"]
    if path.startswith("-"):
        raise InvalidInput("The path of a repository cannot begin with '-'.")
    if "@" in path:
        # Most likely user:password@host/path without its scheme, which would be shown as the path that it is not.
        raise InvalidInput("The path of a repository cannot hold '@'. An https address begins with https://.")
    place = f"{_checked_user(user)}@{host}" if user else host
    site = f"ssh://{host}"
    url = f"ssh://{place}{path}" if path.startswith("/") else f"{place}:{path}"
    return Remote(transport=Transport.SSH, url=url, site=site, host=host)


def _split_path(base: Remote) -> tuple[str, str]:
    """What stays of a remote's address, and the path that a relative one is joined to."""
    scheme = _SCHEME.match(base.url)
    if scheme is None:
        place, _, path = base.url.partition(":")
        return f"{place}:", path
    slash = base.url.index("/", scheme.end())
    return base.url[:slash], base.url[slash:].partition("?")[0]


def _checked_host(host: str) -> str:
    if not _HOST.fullmatch(host):
        raise InvalidInput(f"'{_short(host)}' in the address of the repository is not the name of a host.")
    return host


def _checked_user(user: str) -> str:
    if not _USER.fullmatch(user):
        raise InvalidInput("The user in the address of the repository has characters that are not allowed there.")
    return user


def _secret(text: str | None) -> Secret | None:
    if not text:
        return None
    plain = unquote(text)
    if _CONTROL.search(plain):
        raise InvalidInput("The credentials in the address of the repository hold control characters.")
    return Secret(plain)


def _short(text: str) -> str:
    """A piece of a user's text that is safe to show: what could be credentials is left out."""
    text = text.rpartition("@")[2]
    return text if len(text) <= 80 else f"{text[:80]}…"


def _allowed() -> str:
    return "https, http, ssh or git"
