"""How an application is built, as the wire shows it: an object, and the fields by which clients know parts of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from headway.drivers.buildplan.settings import BuildSettings

# The settings that have a name on the application itself.
NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {"buildCommand": "build", "startCommand": "start", "publishDirectory": "publish"}
)


def build_row(settings: BuildSettings) -> dict[str, Any]:
    """The fields of an application that say how it is built."""
    told = {} if settings.fallback is None else {"isStaticSpa": settings.fallback}
    return {
        **{name: getattr(settings, attribute) for name, attribute in NAMES.items()},
        **told,
        "build": {
            "provider": settings.provider,
            "package": settings.package,
            "install": settings.install,
            "build": settings.build,
            "start": settings.start,
            "release": settings.release,
            "publish": settings.publish,
            "fallback": settings.fallback,
            "versions": dict(settings.versions),
            "keep": list(settings.keep),
            "detection": settings.detection,
        },
    }
