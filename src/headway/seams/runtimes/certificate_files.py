"""The certificates that the edge shows, as files for its eyes only: its own for names without one, and others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headway.kernel.artifacts import KeyPair
from headway.seams.runtimes.certificate import self_signed
from headway.seams.runtimes.private_file import write_privately
from headway.seams.runtimes.programs import checked_id
from headway.seams.runtimes.traefik import render_certificates


class CertificateFiles:
    """Keeps them in ``root`` and named in ``listing``, a file that Traefik follows. A renewed certificate gets files of
    another name, for Traefik follows no others than the listing.
    """

    def __init__(self, root: Path, listing: Path) -> None:
        self._root = root
        self._others = root / "certificates"
        self._listing = listing

    def lay_out(self) -> None:
        """Makes the folders, and the edge's own certificate where there is none, and lists what is there."""
        for folder in (self._root, self._listing.parent, self._others):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        certificate, key = self._default
        if not (certificate.exists() and key.exists()):
            for path, text in zip((certificate, key), self_signed(), strict=True):
                write_privately(path, text)
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
                write_privately(key, pair.key.reveal(), beside=self._root)
                write_privately(certificate, pair.certificate, beside=self._root)
        self._list(sorted(names))
        for path in self._others.iterdir():
            if path.stem not in names:
                path.unlink()

    @property
    def _default(self) -> tuple[Path, Path]:
        return self._root / "default.crt", self._root / "default.key"

    def _list(self, names: Sequence[str]) -> None:
        text = render_certificates(self._default, [self._files(name) for name in names])
        if not self._listing.exists() or self._listing.read_text() != text:
            write_privately(self._listing, text, beside=self._root)

    def _files(self, name: str) -> tuple[Path, Path]:
        return self._others / f"{name}.crt", self._others / f"{name}.key"
