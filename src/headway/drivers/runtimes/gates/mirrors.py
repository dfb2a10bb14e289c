"""The mirrors and proxies for builds that whoever runs the machine has set up on its loopback, by their ports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

# What package managers read for every account.
FILES = (
    *("/etc/pip.conf", "/etc/xdg/pip/pip.conf", "/etc/uv/uv.toml"),
    *("/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc", "/etc/yarnrc", "/etc/yarnrc.yml"),
    *("/etc/gitconfig", "/etc/gemrc", "/etc/environment"),
)
_LONGEST = 1 << 16
_ADDRESS = re.compile(
    r"(https?|socks5h?)://(?:[^\s/@\"']*@)?(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::(\d{1,5}))?(?![\w.])",
    re.IGNORECASE,
)
_USUAL: Mapping[str, int] = {"http": 80, "https": 443}


def ports(files: Iterable[str] = FILES) -> tuple[int, ...]:
    """The ports of the loopback that these files name in an address. Blocks."""
    found: set[int] = set()
    for name in files:
        with suppress(OSError, UnicodeDecodeError):
            path = Path(name)
            if path.stat().st_size <= _LONGEST:
                for scheme, port in _ADDRESS.findall(path.read_text()):
                    found.add(int(port or _USUAL.get(scheme.lower(), 1080)))
    return tuple(sorted(each for each in found if 0 < each < 65_536))
