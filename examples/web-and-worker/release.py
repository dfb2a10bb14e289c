"""Runs once for each release, after its build and before any visitor reaches it; if it fails, the old release stays."""

import os
import sys

print("release: checking the settings of this release", flush=True)
if os.environ.get("REFUSE_RELEASE"):
    sys.exit("release: REFUSE_RELEASE is set, so this release is refused")
print("release: all there; a real application would migrate its database here", flush=True)
