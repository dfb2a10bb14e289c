"""Which authority the edge asks for certificates: settings of the panel."""

from __future__ import annotations

from dataclasses import field

from headway.kernel.bounds import told
from headway.kernel.dataclass import dataclass
from headway.kernel.forms import matching
from headway.kernel.toolchain_settings import ToolchainSettings

_MAIL = matching(r"[^@\s{}]+@[^@\s{}]+", "a mail address")
_DIRECTORY = matching(r"https://[^\s{}]+", "an address that begins with https://")
_FILE = matching(r"/[!-~]+", "the path of a file")


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateSettings(ToolchainSettings):
    """A part of the panel's settings."""

    certificate_mail: str | None = field(
        default=None, metadata=told(_MAIL, "Mail address for the certificate authority; unset: it is not asked.")
    )
    certificate_authority: str | None = field(
        default=None,
        metadata=told(
            _DIRECTORY, "Address of the certificate authority's directory (ACME).", written="that of Let's Encrypt"
        ),
    )
    certificate_roots: str | None = field(
        default=None,
        metadata=told(
            _FILE,
            "File of the certificates (PEM) that vouch for the authority's address.",
            written="those that the machine trusts",
        ),
    )
