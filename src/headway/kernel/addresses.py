"""Addresses that users give: which hosts they may mean, and which of these are this machine or a private network."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network
from urllib.parse import unquote

Ip = IPv4Address | IPv6Address

# All of version 4 that is not of the internet.
NEAR_4 = tuple(
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4"),
    )
)

_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "host.docker.internal"})
_CARRYING = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96")))  # an IPv4 address at the end
_COMPATIBLE = ip_network("::/96")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:/+", re.IGNORECASE)
_SIMPLE = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_PIECES = re.compile(r"[/?&=,;@\s\\]+")
_PARTS = 4


def near_host(address: str) -> str | None:
    """What in an address means this machine or a private network by itself, in whatever spelling; None where nothing
    does. Names are not looked up: what they lead to is judged when they are.
    """
    return next((host for host in possible_hosts(address) if is_near_name(host)), None)


def possible_hosts(address: str) -> Iterator[str]:
    """Every host that some program may read an address as, in plain spelling."""
    text = unicodedata.normalize("NFKC", unquote(address)).replace("\u3002", ".").strip()  # as IDNA reads a name
    found = _SCHEME.match(text)
    rest = text[found.end() :] if found else text
    for mark in (r"[/?#\\]", r"[/?#]"):  # where a backslash ends the host, and where it does not
        place = re.split(mark, rest, maxsplit=1)[0]
        for each in {place, place.rpartition("@")[2], place.partition("@")[2]}:
            yield _bare(each)
    for piece in _PIECES.split(rest):  # services that name a further host, in a query for instance
        bare = _bare(piece)
        if _SIMPLE.fullmatch(bare) or bare in _NAMES or piece.startswith("["):
            yield bare


def host_of(address: str) -> str:
    """The host of an address, or of a host with a port, as most programs read it; "" where there is none."""
    found = _SCHEME.match(address.strip())
    rest = address.strip()[found.end() :] if found else address.strip()
    return _bare(re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2])


def registry_of(image: str) -> str:
    """The registry that an image's name begins with; "" where it is the usual one."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first or first.lower() == "localhost") else ""


def is_near_name(host: str) -> bool:
    """Whether a host is near by what it is called."""
    literal = literal_of(host)
    return is_near(literal) if literal is not None else host in _NAMES or host.endswith(".localhost")


def literal_of(host: str) -> Ip | None:
    """The IP address that a host is written as: also as one number, in hexadecimal or octal, or with parts left out, as
    C libraries read them. None where it is a name.
    """
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    parts = host.split(".")
    numbers = [_number(part) for part in parts]
    if len(parts) > _PARTS or any(number is None for number in numbers):
        return None
    *high, low = [number or 0 for number in numbers]
    if any(number > 255 for number in high) or low >= 1 << 8 * (_PARTS - len(high)):
        return None
    return IPv4Address(sum(number << 8 * (3 - at) for at, number in enumerate(high)) + low)


def is_near(ip: Ip) -> bool:
    """Whether an address is of this machine, of a link, private, or nobody's: all that is not of the internet."""
    if isinstance(ip, IPv6Address):
        inner = _within(ip)
        if inner is not None:
            return is_near(inner)
        return not ip.is_global or ip.is_multicast or ip.is_site_local
    return any(ip in network for network in NEAR_4)


def _within(ip: IPv6Address) -> IPv4Address | None:
    """The address that another one carries."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    if any(ip in network for network in _CARRYING) or (ip in _COMPATIBLE and int(ip) > 1):
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return None


def _bare(place: str) -> str:
    """A host without port, brackets and dots at its end, in lower case."""
    if place.startswith("["):
        place = place[1:].partition("]")[0]
    elif place.count(":") == 1:
        place = place.partition(":")[0]
    return place.rstrip(".").lower()


def _number(text: str) -> int | None:
    try:
        if text.lower().startswith("0x"):
            return int(text[2:] or "0", 16)
        if not (text.isascii() and text.isdigit()):
            return None
        return int(text, 8) if text.startswith("0") and len(text) > 1 else int(text)
    except ValueError:
        return None
