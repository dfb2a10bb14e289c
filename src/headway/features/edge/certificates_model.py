"""Certificates that an organisation brings along, and which of them the edge may show."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret

_LONGEST_RSA_BITS = 4096
_LONGEST_KEY = 8 << 10  # a longer one is looked at for seconds
# What a certificate is asked for is read only then, from bytes that anybody may have written.
_UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


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
        found: tuple[tuple[str, ...], frozenset[str], bool] = (), frozenset(), False
        with contextlib.suppress(InvalidInput, *_UNREADABLE):  # one may have been taken when less was looked at
            leaf = _leaf(self.pem)
            found = names_in(leaf), claims_of(leaf), True
        for name, value in zip(("hosts", "claims", "readable"), found, strict=True):
            object.__setattr__(self, name, value)


def check_pair(pem: str, private_key: Secret) -> None:
    """Whether a certificate is good now, for a name at least, and its key is the one given. Raises InvalidInput."""
    leaf = _leaf(pem)
    try:
        public, until = leaf.public_key(), leaf.not_valid_after_utc
        hosts, _ = names_in(leaf), claims_of(leaf)
    except _UNREADABLE as error:
        raise InvalidInput(
            "The certificate's names or its key cannot be read; give one whose names are plain text and whose key is "
            "RSA or of a usual curve."
        ) from error
    if isinstance(public, rsa.RSAPublicKey) and public.key_size > _LONGEST_RSA_BITS:
        raise InvalidInput(
            f"The certificate's key has {public.key_size} bits, which costs the edge too much at each connection; "
            f"an RSA key has {_LONGEST_RSA_BITS} at most."
        )
    if len(private_key.reveal()) > _LONGEST_KEY:
        raise InvalidInput(f"The private key has more than {_LONGEST_KEY >> 10} KiB; give the text of that key alone.")
    try:
        key = load_pem_private_key(private_key.reveal().strip().encode() + b"\n", password=None)
    except TypeError as error:
        raise InvalidInput("The private key is locked by a passphrase; give one without.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput("The private key cannot be read; give the whole text of a PEM private key.") from error
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != public.public_bytes(*form):
        raise InvalidInput("The private key is not the one of the first certificate in the text.")
    if until <= datetime.now(UTC):
        raise InvalidInput(f"The certificate is good until {until:%Y-%m-%d} only; give a newer one.")
    if not hosts:
        raise InvalidInput("The certificate names no host.")


def names_in(leaf: x509.Certificate) -> tuple[str, ...]:
    """The host names, also ``*.`` ones, that a certificate is good for."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return tuple(name.lower() for name in found.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return tuple(str(name.value).lower() for name in names)


def claims_of(leaf: x509.Certificate) -> frozenset[str]:
    """All that Traefik would show a certificate for, which is more than browsers take it for: the common name counts
    beside the other names, a comma within a name parts it, a dot at the end is none; and by an address it is shown to
    whoever asks there without a name.
    """
    said = [str(each.value) for each in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        pass
    else:
        said += names.get_values_for_type(x509.DNSName)
        said += map(str, names.get_values_for_type(x509.IPAddress))
    parts = (part.strip().lower().rstrip(".") for name in said for part in name.split(","))
    return frozenset(part for part in parts if part)


def reserved_in(certificate: Certificate, reserved: Mapping[str, str]) -> str | None:
    """A name that no organisation has by itself and the edge would show the certificate for, with whose it is."""
    address = next((each for each in sorted(certificate.claims) if _is_address(each)), None)
    if address is not None:
        return f"{address}, by which the edge shows it to whoever names no host,"
    return next((f"{host}, {whose}," for host, whose in reserved.items() if covers(certificate, host)), None)


def fingerprint(pem: str) -> bytes:
    """The first certificate of the text as it is sent to a browser."""
    return _leaf(pem).public_bytes(Encoding.DER)


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


def _leaf(pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(pem.encode())[0]
    except (*_UNREADABLE, IndexError) as error:
        raise InvalidInput(
            "The certificate cannot be read; give the whole PEM text, your own certificate first."
        ) from error


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
