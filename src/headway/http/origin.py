"""Which address of the panel's own a request came by: what a browser is shown, and what it may send, go by that."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlsplit

from starlette.types import Scope

from headway.kernel.dataclass import dataclass

_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?")
_PORTS: Mapping[str, int] = {"http": 80, "https": 443}
_LOCAL_NAME = "localhost"
_ENCRYPTED = frozenset({b"https", b"wss"})  # of a socket a proxy may say the one or the other
_SAME_ORIGIN = b"same-origin"
_PAGE = b"x-headway-page"
_READS = frozenset({"GET", "HEAD"})
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Way(StrEnum):
    """How a request came: by HTTPS; from this machine, be it through a tunnel; or readable for the network."""

    HTTPS = "https"
    LOOPBACK = "loopback"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The panel as a browser knows it. ``takes_passwords``: whether anybody may sign in over this way."""

    way: Way
    origin: str
    port: int
    takes_passwords: bool


class Origins:
    """Finds the place of each request. ``public_url`` is the panel's address in links; ``plain_sign_in`` lets people
    sign in where the network can read their passwords.
    """

    def __init__(self, public_url: str | None, *, plain_sign_in: bool, proxies: str | None = None) -> None:
        self._public = None if public_url is None else _origin_of(public_url)
        self._plain_sign_in = plain_sign_in
        self._proxies = tuple(ipaddress.ip_network(each) for each in proxies.split(",")) if proxies else ()

    def place_of(self, scope: Scope) -> Place | None:
        """The place that a request names, None where that is none of the panel's: a name that somebody else has made
        lead here could read in the browser what is shown to it.
        """
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        found = _HOST.fullmatch(headers.get(b"host", b"").decode("latin-1").lower())
        if found is None:
            return None
        name, from_here = found[1], is_loopback(peer_of(scope))
        local = _is_local(name)
        if not (local and from_here) and not _is_address(name) and (self._public is None or self._public.name != name):
            return None
        if not self._believes(peer_of(scope)):
            return self._place(Way.PLAIN, name, found[2])
        if self._is_encrypted(headers, name):
            public, by_address = self._public, local if from_here else _is_address(name)
            if by_address and public is not None and public.scheme == "https":  # a proxy calls us by our own address
                return self._place(Way.HTTPS, public.name, str(public.port))
            return self._place(Way.HTTPS, name, found[2])
        is_tunnel = local and from_here and not _was_forwarded(headers)
        return self._place(Way.LOOPBACK if is_tunnel else Way.PLAIN, name, found[2])

    def visitor_of(self, scope: Scope) -> str:
        """The address of whoever asks: the peer, or of whom a proxy that is believed says that it asks for."""
        peer, header = peer_of(scope), dict(scope["headers"]).get(b"x-forwarded-for")
        if header is None:  # as in most requests, for which no address has to be read
            return peer
        told = header.decode("latin-1").split(",")
        while self._believes(peer) and told and _is_address(last := told.pop().strip()):
            peer = last  # which may be a proxy too, that asks for another one
        return peer

    def _believes(self, peer: str) -> bool:
        """Whether what this peer says of how a request came to it is believed: of this machine, and proxies of ours."""
        return is_loopback(peer) or _is_in(peer, self._proxies)

    def _is_encrypted(self, headers: Mapping[bytes, bytes], name: str) -> bool:
        """Whether the request came by HTTPS to whoever has sent it on; who does not say has HTTPS if we have."""
        proto = headers.get(b"x-forwarded-proto", b"").rpartition(b",")[2].strip().lower()
        public = self._public
        return proto in _ENCRYPTED or (
            not proto and public is not None and (public.scheme, public.name) == ("https", name)
        )

    def _place(self, way: Way, name: str, port: str | None) -> Place:
        scheme = "https" if way is Way.HTTPS else "http"
        number = int(port) if port else self._port_of(scheme, name)
        shown = "" if number == _PORTS[scheme] else f":{number}"
        return Place(
            way=way,
            origin=f"{scheme}://{name}{shown}",
            port=number,
            takes_passwords=way is not Way.PLAIN or self._plain_sign_in,
        )

    def _port_of(self, scheme: str, name: str) -> int:
        """The port of a name that came without one: a proxy may leave out which port of the panel's address it has."""
        if self._public is not None and (self._public.scheme, self._public.name) == (scheme, name):
            return self._public.port
        return _PORTS[scheme]


def is_sent_from(place: Place, headers: Mapping[bytes, bytes]) -> bool:
    """Whether the browser says that a page of this very place sends the request."""
    origin = headers.get(b"origin", b"").decode("latin-1")
    return origin == place.origin and headers.get(b"sec-fetch-site", _SAME_ORIGIN) == _SAME_ORIGIN


def is_asked_from(place: Place, scope: Scope) -> bool:
    """Whether a page of this very place asks: with what changes something, and with sockets, the browser says who
    sends it; with what only reads, its fetch metadata say so. Where it sends none (over plain HTTP) a header does that
    no other place's page can send without being let.
    """
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    if scope["type"] != "http" or scope["method"] not in _READS:
        return is_sent_from(place, headers)
    if headers.get(b"origin", place.origin.encode()) != place.origin.encode():
        return False
    site = headers.get(b"sec-fetch-site")
    return _PAGE in headers if site is None else site == _SAME_ORIGIN


def is_opened(headers: Mapping[bytes, bytes]) -> bool:
    """Whether somebody opens the address, as far as the browser says: it is no picture, frame or script of some page,
    and not fetched in case somebody should open it. Where the browser sends no fetch metadata (over plain HTTP) it asks
    for a page at least, which a picture does not.
    """
    wanted = headers.get(b"sec-fetch-dest")
    if wanted is None:
        return b"text/html" in headers.get(b"accept", b"")
    return wanted == b"document" and b"sec-purpose" not in headers


def peer_of(scope: Scope) -> str:
    """The address that the connection comes from, "" where that is unknown."""
    return str((scope.get("client") or ("",))[0])


def is_loopback(address: str) -> bool:
    """Whether an address is one of this machine to itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return _plain(found).is_loopback


def _is_in(address: str, networks: tuple[_Network, ...]) -> bool:
    if not networks:
        return False
    try:
        found = _plain(ipaddress.ip_address(address))
    except ValueError:
        return False
    return any(found in each for each in networks)


def _plain(address: _Address) -> _Address:
    """An address of IPv4 as what it is, also where a socket for both has it as one of IPv6."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@dataclass(frozen=True, slots=True, kw_only=True)
class _Public:
    scheme: str
    name: str
    port: int


def _origin_of(url: str) -> _Public:
    parts = urlsplit(url)
    name = (parts.hostname or "").lower()
    return _Public(
        scheme=parts.scheme,
        name=f"[{name}]" if ":" in name else name,
        port=parts.port or _PORTS[parts.scheme],
    )


def _is_local(name: str) -> bool:
    return name == _LOCAL_NAME or is_loopback(name.strip("[]"))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _was_forwarded(headers: Mapping[bytes, bytes]) -> bool:
    return any(name == b"forwarded" or name.startswith(b"x-forwarded-") for name in headers)
