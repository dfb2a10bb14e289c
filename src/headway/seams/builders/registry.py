"""The builders, by the name that an application's settings call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headway.seams.builders.base import Builder
from headway.seams.builders.native import NativeBuilder

BUILDERS: Final[Mapping[str, Builder]] = {"native": NativeBuilder()}
