"""Host names as people write them, and as the edge knows them."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from headway.drivers.edge.route_file import check_host, check_path
from headway.kernel.errors import InvalidInput


def normalised_host(text: str) -> str:
    """The host name in lower case, without a dot at its end, letters beyond a-z as they are written in the DNS.

    Raises InvalidInput, saying what it is instead of a host name.
    """
    written = text.strip()
    if "://" in written or "/" in written:
        raise InvalidInput(f"{written!r} is an address: give the host name alone, and the path on its own.")
    if "*" in written:
        raise InvalidInput(f"{written} stands for many names; add each name that is to lead here.")
    if "{{" in written:
        raise InvalidInput("A host name cannot hold two opening braces.")
    _refuse_addresses(written)
    if ":" in written:
        raise InvalidInput(f"{written!r} names a port: give the host name alone.")
    host = _in_the_dns(written).removesuffix(".")
    _refuse_addresses(host)
    check_host(host)
    return host


def host_of(address: str) -> str | None:
    """The host name in a whole address, None where it has none that a domain could have."""
    try:
        return normalised_host(urlsplit(address).hostname or "")
    except (ValueError, InvalidInput):
        return None


def normalised_path(text: str | None) -> str:
    """A path with a slash before it and none after it; nothing is the root. Raises InvalidInput."""
    path = "/" + (text or "").strip().strip("/")
    check_path(path)
    return path


def _in_the_dns(written: str) -> str:
    """The name in A-labels; what is plain already is only lowered, for the rules of IDN refuse what the DNS has."""
    import idna  # noqa: PLC0415 - few names need it

    if written.isascii() and "xn--" not in written.lower():
        return written.lower()
    try:
        return idna.encode(written, uts46=True).decode()
    except idna.IDNAError as error:
        raise InvalidInput(f"{written!r} is no host name: {error}.") from error


def _refuse_addresses(text: str) -> None:
    bare = text.removeprefix("[").removesuffix("]").removesuffix(".")
    try:
        ip_address(bare)
    except ValueError:
        if not bare.rpartition(".")[2].isdecimal():
            return
    raise InvalidInput(f"{text} is an IP address; a domain needs a name.")
