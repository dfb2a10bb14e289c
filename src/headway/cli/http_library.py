"""httpx, without the command line of its own: that one draws in two libraries for terminals, whose import takes longer
than all the rest of a short command.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

_COMMAND_LINE = "httpx._main"

if "httpx" not in sys.modules:
    sys.modules[_COMMAND_LINE] = cast("ModuleType", None)  # what stands there as None is an ImportError, which it takes
try:
    import httpx
finally:
    if sys.modules.get(_COMMAND_LINE, ...) is None:
        del sys.modules[_COMMAND_LINE]

__all__ = ["httpx"]
