"""What a certificate says, from bytes that anybody may have written, and whether a key is its own."""

from __future__ import annotations

from datetime import UTC, datetime

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


def found_in(pem: str) -> tuple[tuple[str, ...], frozenset[str], bool]:
    """What a browser takes a certificate for, what the edge would show it for, and whether it can be read at all: one
    may have been taken when less was looked at.
    """
    try:
        leaf = _leaf(pem)
        return names_in(leaf), claims_of(leaf), True
    except (InvalidInput, *_UNREADABLE):
        return (), frozenset(), False


def good_until(pem: str) -> datetime | None:
    """When the first certificate of the text is good no more, None where that cannot be read."""
    try:
        return _leaf(pem).not_valid_after_utc
    except (InvalidInput, *_UNREADABLE):
        return None


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


def fingerprint(pem: str) -> bytes:
    """The first certificate of the text as it is sent to a browser."""
    return _leaf(pem).public_bytes(Encoding.DER)


def _leaf(pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(pem.encode())[0]
    except (*_UNREADABLE, IndexError) as error:
        raise InvalidInput(
            "The certificate cannot be read; give the whole PEM text, your own certificate first."
        ) from error
