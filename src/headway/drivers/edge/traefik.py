"""How Traefik is started, and the one file beside those of applications."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headway.drivers.edge.file_text import written
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

WEB, SECURE, ACME = "web", "secure", "acme"
ISSUED = "acme.json"  # what authorities have issued
LOG = "traefik.log"
ROOTS = "authority.pem"
NOBODY = "edge.invalid"  # no name that anybody could have
NOOP = "noop@internal"
_FIRST_OF_ALL = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Https:
    """The optional second entrance: its port, and the mail address that certificates are asked for with (None: the
    edge's own, which browsers do not know). ``authority`` is the address of another authority's directory than the
    public one, and ``roots`` the certificates, as PEM text, that vouch for that address.
    """

    port: int
    mail: str | None = None
    authority: str | None = None
    roots: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeAccounts:
    """The accounts of the Traefik that serves, and of the one that lives for a moment to try what users wrote."""

    serving: int
    trying: int


def command_line(
    program: Path, routes: Path, *, host: str, port: int, https: Https | None, state: Path
) -> tuple[str, ...]:
    """Traefik's arguments: two entrances at most, routes from files, and nothing that is exposed or sent beside it."""
    bracketed = f"[{host}]" if ":" in host else host
    secure: tuple[str, ...] = ()
    if https is not None:
        secure = (f"--entrypoints.{SECURE}.address={bracketed}:{https.port}",)
        if https.mail is not None:
            secure += (
                f"--certificatesresolvers.{ACME}.acme.email={https.mail}",
                f"--certificatesresolvers.{ACME}.acme.storage={state / ISSUED}",
                f"--certificatesresolvers.{ACME}.acme.httpchallenge.entrypoint={WEB}",
            )
            if https.authority is not None:
                secure += (f"--certificatesresolvers.{ACME}.acme.caserver={https.authority}",)
            if https.roots is not None:
                secure += (f"--certificatesresolvers.{ACME}.acme.cacertificates={state / ROOTS}",)
    return (
        str(program),
        f"--entrypoints.{WEB}.address={bracketed}:{port}",
        f"--entrypoints.{WEB}.transport.respondingtimeouts.readtimeout=600s",
        *secure,
        f"--providers.file.directory={routes}",
        "--providers.file.watch=true",
        "--providers.providersthrottleduration=10ms",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.level=ERROR",
    )


def render_certificates(default: tuple[Path, Path], others: Sequence[tuple[Path, Path]]) -> str:
    """The one file beside those of applications: which certificates there are, each a file and that of its key, and
    which is shown for names without one.
    """
    pairs = [{"certFile": str(certificate), "keyFile": str(key)} for certificate, key in (default, *others)]
    tls: dict[str, object] = {"stores": {"default": {"defaultCertificate": pairs[0]}}}
    return written({"tls": tls | ({"certificates": pairs[1:]} if others else {})}, indent=1)


def telling(path: str) -> dict[str, object]:
    """A router by which Traefik tells that it has read the file that this is in: on a host of nobody, the path is found
    from then on.
    """
    rule = f"Host(`{NOBODY}`) && Path(`{path}`)"
    return {"rule": rule, "priority": _FIRST_OF_ALL, "service": NOOP, "entryPoints": [WEB]}


def checked_folder(folder: Path) -> Path:
    """The folder itself, if Traefik's arguments and templates can name it. Raises InvalidInput."""
    if not folder.is_absolute() or not str(folder).isprintable() or "{{" in str(folder):
        raise InvalidInput(f"{folder} cannot hold the edge: it needs an absolute path of plain characters.")
    return folder
