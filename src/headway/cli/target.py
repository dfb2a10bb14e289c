"""Which panel the command line speaks to: as a profile or the environment says, or the one of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from headway.cli.profiles import Profile, Profiles
from headway.infra.panel.kept_settings import kept_settings
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

_HERE = "http://127.0.0.1"
DEFAULT_URL = f"{_HERE}:3000"
KEY_FILE = "owner.key"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which panel to speak to, with which key, and where that key comes from (a phrase)."""

    url: str
    key: str | None
    key_origin: str

    @property
    def is_here(self) -> bool:
        """Whether the panel is on this machine, as far as its address says."""
        return is_loopback(self.url)


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine itself."""
    return (urlsplit(url).hostname or "") in _LOOPBACK


def find_target(
    env: Mapping[str, str], data_dirs: Iterable[Path], profiles: Profiles | None = None, named: str | None = None
) -> Target:
    """The panel to speak to. A profile that is named wins; else ``HEADWAY_URL`` and ``HEADWAY_API_KEY``, and what these
    leave open the current profile says, whose key is only ever shown to its own panel. Without any key, and only for a
    panel on this machine, it is that of the key file of the first data folder that has a readable one. Where nothing
    says where the panel is, it is at ``HEADWAY_PORT``, or at the port that the folder's panel was started with.

    Raises InvalidInput and, for a profile that is not known, NotFound.
    """
    if profiles is not None and named is not None:
        profile = profiles.named(named)
        return Target(url=profile.url, key=profile.key, key_origin=f"profile {named}")
    current = profiles.known.get(profiles.current) if profiles is not None else None
    said = _address(env, current)
    url = said or DEFAULT_URL
    if key := env.get("HEADWAY_API_KEY", "").strip():
        found = said or next(filter(None, map(_kept_url, data_dirs)), DEFAULT_URL)
        return Target(url=found, key=checked_key(key, "HEADWAY_API_KEY"), key_origin="HEADWAY_API_KEY")
    if profiles is not None and current is not None and current.url == url:
        return Target(url=url, key=current.key, key_origin=f"profile {profiles.current}")
    return _target_of_this_machine(url, data_dirs, is_said=said is not None)


def checked_url(given: str, named: str) -> str:
    """A panel's address without its last slash. Raises InvalidInput, which names where it was ``named``."""
    url = given.strip().rstrip("/")
    parts = urlsplit(url)
    try:
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInput(f"{named}: {url!r} is not possible; it takes http://HOST:PORT or https://HOST.")
    return url


def checked_key(key: str, named: str) -> str:
    """A key that can travel in a header. Raises InvalidInput, which names where it was ``named``."""
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise InvalidInput(f"{named}: its value is no API key; it takes letters, digits and signs only.")
    return key


def _address(env: Mapping[str, str], current: Profile | None) -> str | None:
    if given := env.get("HEADWAY_URL", "").strip():
        return checked_url(given, "HEADWAY_URL")
    if current is not None:
        return current.url
    port = env.get("HEADWAY_PORT", "").strip()
    return checked_url(f"{_HERE}:{port}", "HEADWAY_PORT") if port else None


def _target_of_this_machine(url: str, data_dirs: Iterable[Path], *, is_said: bool) -> Target:
    unreadable = ""
    for path in (folder / KEY_FILE for folder in data_dirs if is_loopback(url)):
        try:
            key = path.read_text().strip()
        except PermissionError:
            unreadable = f"; {path} cannot be read by this account"
            continue
        except OSError:
            continue
        kept = None if is_said else _kept_url(path.parent)
        return Target(url=kept or url, key=key, key_origin=str(path))
    return Target(url=url, key=None, key_origin=f"HEADWAY_API_KEY is not set{unreadable}")


def _kept_url(folder: Path) -> str | None:
    """Where the panel of a data folder was started, as far as its account may read that."""
    port = kept_settings(folder).get("HEADWAY_PORT")
    return f"{_HERE}:{port}" if port else None
