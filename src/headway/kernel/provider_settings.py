"""By which provider of OpenID Connect people sign in: settings of the panel."""

from __future__ import annotations

from dataclasses import field
from datetime import timedelta

from headway.kernel.bounds import told
from headway.kernel.certificate_settings import CertificateSettings
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.forms import duration, matching
from headway.kernel.secret import Secret

_ISSUER = matching(
    r"https://[^\s{}?#]+|http://(localhost|127\.0\.0\.1)(:[0-9]+)?(/[^\s{}?#]*)?",
    "an address that begins with https:// (http:// on this machine alone), without query",
)
_CLIENT = matching(r"[!-~]{1,256}", "1 to 256 letters, digits and signs, no spaces")
_SECRET = matching(r"[!-~]{1,1024}", "1 to 1024 letters, digits and signs, no spaces", secret=True)
_FILE = matching(r"/[!-~]+", "the path of a file")
_NAME = matching(r"[^\x00-\x1f\x7f]{1,40}", "1 to 40 characters")
_SCOPES = matching(r"openid( [!#-\[\]-~]+)*", "words with spaces between, openid first")
_CLAIM = matching(r"[!-~]{1,200}", "the name of a claim")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider, as the settings name it. Its secret is in a variable or a file; a public client has none."""

    issuer: str
    client_id: str
    secret: Secret | None
    secret_file: str | None
    name: str
    scopes: str
    groups_claim: str
    session: timedelta
    absence: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings(CertificateSettings):
    """A part of the panel's settings."""

    oidc_issuer: str | None = field(
        default=None,
        metadata=told(_ISSUER, "Provider of OpenID Connect by which people may sign in, by its issuer; unset: none."),
    )
    oidc_client_id: str | None = field(
        default=None, metadata=told(_CLIENT, "What the provider calls this panel (client id).")
    )
    oidc_client_secret: Secret | None = field(
        default=None, metadata=told(_SECRET, "The panel's secret there; unset: that of the file, or none.")
    )
    oidc_client_secret_file: str | None = field(
        default=None, metadata=told(_FILE, "File of that secret, read each time that it is used.")
    )
    oidc_name: str = field(default="Single sign-on", metadata=told(_NAME, "What people know the provider by."))
    oidc_scopes: str = field(
        default="openid profile email", metadata=told(_SCOPES, "What the provider is asked to tell (scopes).")
    )
    oidc_groups_claim: str = field(
        default="groups",
        metadata=told(_CLAIM, "The claim that names somebody's groups; of one within another the path, with dots."),
    )
    oidc_session: timedelta = field(
        default=timedelta(hours=12),
        metadata=told(duration(60), "How long a session of whoever has signed in by the provider lasts."),
    )
    oidc_absence: timedelta = field(
        default=timedelta(days=30),
        metadata=told(duration(60), "How long their API keys are good after they last have signed in."),
    )

    @property
    def provider(self) -> Provider | None:
        """The provider, None where there is none."""
        if self.oidc_issuer is None or self.oidc_client_id is None:
            return None
        return Provider(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id,
            secret=self.oidc_client_secret,
            secret_file=self.oidc_client_secret_file,
            name=self.oidc_name,
            scopes=self.oidc_scopes,
            groups_claim=self.oidc_groups_claim,
            session=self.oidc_session,
            absence=self.oidc_absence,
        )

    def require_whole_provider(self) -> None:
        """Raises InvalidInput for a provider of which half is said."""
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            raise InvalidInput("HEADWAY_OIDC_ISSUER and HEADWAY_OIDC_CLIENT_ID go together: one of them is not set.")
