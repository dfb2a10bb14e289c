"""What every launcher of a runtime is told: where it finds its code and the key, and what is asked of the kernel."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

from headway.infra.hosts.call_filter import call_filter


def render_configuration(*, vault_key: Path, caddy: Path) -> str:
    """Its text."""
    told = {
        "path": _import_path(),
        "vault_key": str(vault_key),
        "caddy": str(caddy),
        "filter": call_filter(os.uname().machine).hex(),
    }
    return json.dumps(told)


def _import_path() -> list[str]:
    """Where a launcher, which starts without site packages, finds what the vault needs."""
    folders = []
    for name in ("headway", "cryptography", "_cffi_backend"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            folders.append(str(origin.parent.parent if origin.name == "__init__.py" else origin.parent))
    return list(dict.fromkeys(folders))
