"""Certificates that an organisation brings along, and which of them the edge may show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from headway.kernel.errors import InvalidInput
from headway.kernel.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate with those that vouch for it, as PEM text. Its private key stays sealed."""

    certificate_id: str
    organization_id: str
    name: str
    pem: str
    auto_renew: bool | None
    created_at: datetime
    hosts: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hosts", names_in(_leaf(self.pem)))


def check_pair(pem: str, private_key: Secret) -> None:
    """Whether a certificate is good now, for a name at least, and its key is the one given. Raises InvalidInput."""
    leaf = _leaf(pem)
    try:
        key = load_pem_private_key(private_key.reveal().strip().encode() + b"\n", password=None)
    except TypeError as error:
        raise InvalidInput("The private key is locked by a passphrase; give one without.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput("The private key cannot be read; give the whole text of a PEM private key.") from error
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise InvalidInput("The private key is not the one of the first certificate in the text.")
    if leaf.not_valid_after_utc <= datetime.now(UTC):
        raise InvalidInput(f"The certificate is good until {leaf.not_valid_after_utc:%Y-%m-%d} only; give a newer one.")
    if not names_in(leaf):
        raise InvalidInput("The certificate names no host.")


def names_in(leaf: x509.Certificate) -> tuple[str, ...]:
    """The host names, also ``*.`` ones, that a certificate is good for."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return tuple(name.lower() for name in found.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return tuple(str(name.value).lower() for name in names)


def fingerprint(pem: str) -> bytes:
    """The first certificate of the text as it is sent to a browser."""
    return _leaf(pem).public_bytes(Encoding.DER)


def showable(certificates: Sequence[Certificate], hosts: Iterable[tuple[str, str]]) -> list[Certificate]:
    """Those that the edge may show: a browser picks by name alone, so none that is good for a host of another
    organisation (``hosts`` are names with theirs), and for each name the oldest.
    """
    taken: set[str] = set()
    found = []
    owned = list(hosts)
    for each in sorted(certificates, key=lambda one: (one.created_at, one.certificate_id)):
        foreign = any(whose != each.organization_id and covers(each, host) for host, whose in owned)
        if not foreign and not taken & set(each.hosts):
            taken |= set(each.hosts)
            found.append(each)
    return found


def covers(certificate: Certificate, host: str) -> bool:
    """Whether a certificate is good for a host name."""
    _, _, parent = host.partition(".")
    return host in certificate.hosts or f"*.{parent}" in certificate.hosts


def _leaf(pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(pem.encode())[0]
    except (ValueError, IndexError) as error:
        raise InvalidInput(
            "The certificate cannot be read; give the whole PEM text, your own certificate first."
        ) from error
