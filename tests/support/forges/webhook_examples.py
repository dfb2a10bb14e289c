"""Payloads that GitHub has sent, from npm (@octokit/webhooks-examples), fetched once and kept from run to run."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

VERSION = "7.6.1"
_PACKAGE = "@octokit/webhooks-examples"

Json = Any


def examples(cache: pytest.Cache) -> list[tuple[str, Json]]:
    """(event, payload) of every example, of github.com and of GitHub's servers. Skips where npm is not to be had."""
    folder = cache.mkdir("webhook-examples")
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs node and npm on the PATH")
    installed = folder / "node_modules" / _PACKAGE
    if not installed.exists():
        argv = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
        try:
            subprocess.run([*argv, f"{_PACKAGE}@{VERSION}"], capture_output=True, text=True, timeout=180, check=True)
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
            pytest.skip(f"npm could not install {_PACKAGE}: {error}")
    found: list[tuple[str, Json]] = []
    for index in sorted(installed.glob("*/index.json")):
        for kind in json.loads(index.read_text()):
            found += [(kind["name"], example) for example in kind["examples"]]
    return found
