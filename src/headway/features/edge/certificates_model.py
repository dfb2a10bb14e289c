"""Certificates that an organisation brings along, and which of them the edge may show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from ipaddress import ip_address

from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate with those that vouch for it, as PEM text. Its private key stays sealed. ``hosts`` are what a
    browser takes it for, ``claims`` what the edge would show it for: none where it is not ``readable``.
    """

    certificate_id: str
    organization_id: str
    name: str
    pem: str
    auto_renew: bool | None
    created_at: datetime
    hosts: tuple[str, ...] = field(init=False)
    claims: frozenset[str] = field(init=False)
    readable: bool = field(init=False)

    def __post_init__(self) -> None:
        from headway.features.edge.certificate_parser import found_in  # noqa: PLC0415 - few bring a certificate along

        found = found_in(self.pem)
        for name, value in zip(("hosts", "claims", "readable"), found, strict=True):
            object.__setattr__(self, name, value)


def reserved_in(certificate: Certificate, reserved: Mapping[str, str]) -> str | None:
    """A name that no organisation has by itself and the edge would show the certificate for, with whose it is."""
    address = next((each for each in sorted(certificate.claims) if _is_address(each)), None)
    if address is not None:
        return f"{address}, by which the edge shows it to whoever names no host,"
    return next((f"{host}, {whose}," for host, whose in reserved.items() if covers(certificate, host)), None)


def showable(certificates: Sequence[Certificate], hosts: Iterable[tuple[str, str]]) -> list[Certificate]:
    """Those that the edge may show: a browser picks by name alone, so none that is good for a host of another
    organisation (``hosts`` are names with theirs) or cannot be read, and for each name the oldest.
    """
    taken: set[str] = set()
    found = []
    owned = list(hosts)
    for each in sorted(certificates, key=lambda one: (one.created_at, one.certificate_id)):
        foreign = any(whose != each.organization_id and covers(each, host) for host, whose in owned)
        if each.readable and not foreign and not taken & set(each.hosts):
            taken |= set(each.hosts)
            found.append(each)
    return found


def covers(certificate: Certificate, host: str) -> bool:
    """Whether the edge would show a certificate to whoever asks for the host."""
    _, _, parent = host.partition(".")
    return host in certificate.claims or f"*.{parent}" in certificate.claims


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
