"""The certificates that the edge shows, as files for its eyes only: its own for names without one, and others."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headway.drivers.edge.traefik import ISSUED, ROOTS, Https, render_certificates
from headway.infra.hosts.private_file import let_pass, let_read, write_privately
from headway.kernel.artifacts import KeyPair
from headway.kernel.ids import checked_id

log = logging.getLogger(__name__)

_WRITING_SECONDS = 1.0
_VALID = timedelta(days=3650)
_LOOK_SECONDS = 0.02


class CertificateFiles:
    """Keeps them in ``root`` and named in ``listing``, a file that Traefik follows. A renewed certificate gets files of
    another name, for Traefik follows no others than the listing. ``reader`` is Traefik's account, if it has one of its
    own, and ``seen_as`` what it calls the root.
    """

    def __init__(self, root: Path, listing: Path, *, https: Https | None, reader: int | None, seen_as: Path) -> None:
        self._root = root
        self._others = root / "certificates"
        self._listing = listing
        self._asks = https is not None and https.mail is not None
        self._roots = https.roots if https is not None else None
        self._reader = reader
        self._seen_as = seen_as

    def lay_out(self) -> None:
        """Makes the folders, and the edge's own certificate where there is none, and lists what is there."""
        let_pass(self._root, self._reader, look=False)
        for folder in (self._listing.parent, self._others):
            let_pass(folder, self._reader)
        certificate, key = self._default
        if not (certificate.exists() and key.exists()):
            for path, text in zip((certificate, key), _self_signed(), strict=True):
                write_privately(path, text)
        for path in (certificate, key, *self._others.iterdir()):
            let_read(path, self._reader)
        if self._roots is not None:
            write_privately(self._root / ROOTS, self._roots, reader=self._reader)
        if self._asks and self._reader is not None:
            self._give_state(self._reader)
        self._list(sorted(path.stem for path in self._others.glob("*.crt")))

    def put(self, pairs: Sequence[KeyPair]) -> None:
        """Shows these beside the edge's own, and no others; what was there before goes last."""
        if not pairs and not self._others.is_dir():
            return
        self.lay_out()
        names = []
        for pair in pairs:
            name = f"{checked_id(pair.name)}.{pair.digest[:16]}"
            names.append(name)
            certificate, key = self._files(name)
            if not certificate.exists():
                for path, content in ((key, pair.key.reveal()), (certificate, pair.certificate)):
                    write_privately(path, content, beside=self._root, reader=self._reader)
        self._list(sorted(names))
        for path in self._others.iterdir():
            if path.stem not in names:
                path.unlink()

    def mend_state(self) -> bool:
        """Sets aside what Traefik was cut off at writing, and says whether it did: with half of it, the next one asks
        for no certificate any more. One that is about to go may be writing just now.
        """
        state = self._root / ISSUED
        deadline = time.monotonic() + _WRITING_SECONDS
        while self._asks and not _is_whole(state):
            if time.monotonic() > deadline:
                aside = state.with_name(f"{ISSUED}.bad")
                log.warning("what authorities have issued cannot be read and was set aside: %s", aside)
                state.replace(aside)
                if self._reader is not None:
                    self._give_state(self._reader)
                return True
            time.sleep(_LOOK_SECONDS)
        return False

    def _give_state(self, owner: int) -> None:
        """The one file that Traefik writes: what it was issued, and the key of its account."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        state = os.open(self._root / ISSUED, flags, 0o600)
        try:
            os.fchown(state, owner, owner)
            os.fchmod(state, 0o600)
        finally:
            os.close(state)

    @property
    def _default(self) -> tuple[Path, Path]:
        return self._root / "default.crt", self._root / "default.key"

    def _list(self, names: Sequence[str]) -> None:
        pairs = [self._default, *(self._files(name) for name in names)]
        default, *others = [(self._seen(certificate), self._seen(key)) for certificate, key in pairs]
        text = render_certificates(default, others)
        if not self._listing.exists() or self._listing.read_text(encoding="utf-8") != text:
            write_privately(self._listing, text, beside=self._root, reader=self._reader)
        let_read(self._listing, self._reader)

    def _seen(self, path: Path) -> Path:
        return self._seen_as / path.relative_to(self._root)

    def _files(self, name: str) -> tuple[Path, Path]:
        return self._others / f"{name}.crt", self._others / f"{name}.key"


def _is_whole(state: Path) -> bool:
    try:
        text = state.read_text()
    except FileNotFoundError:
        return True
    except UnicodeDecodeError:
        return False
    try:
        return not text or isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _self_signed() -> tuple[str, str]:
    """A new certificate and its key, both as PEM text, for names without one. It is made once: Traefik, if it is given
    none, makes a new one at every change of a route (measured: a change is seen after 15 ms with it, after 60 to 215 ms
    without).
    """
    from cryptography import x509  # noqa: PLC0415 - the very first start alone makes one
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - the very first start alone makes one
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - the very first start alone makes one
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - the very first start alone makes one

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Headway default certificate")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()
