"""What lets a webpack of before 2021 build on a Node of today."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from headway.drivers.buildplan.plan import Need
from headway.drivers.buildplan.providers.node_package import Package
from headway.drivers.buildplan.providers.node_sites import OPENSSL
from headway.drivers.buildplan.providers.node_versions import pinned_major

_WITH_OPENSSL_3: Final = 17
# What brings a webpack that hashes by MD4, which OpenSSL 3 has no longer (webpack before 5.61), and its first line
# that does not.
_WITHOUT_OLD_WEBPACK: Final[Mapping[str, int]] = {
    "nuxt": 3,
    "@angular/core": 13,
    "next": 12,
    "gatsby": 4,
    "vuepress": 2,
    "@storybook/react": 7,
    "@storybook/vue": 7,
    "preact-cli": 4,
    "laravel-mix": 6,
    "webpack": 5,
}


def old_webpack(packages: Iterable[Package]) -> Mapping[str, str]:
    """What lets an old webpack hash, by itself or within what brings it."""
    for package in packages:
        for name, first in _WITHOUT_OLD_WEBPACK.items():
            found = re.search(r"\d{1,5}", package.wanted(name))
            if found is not None and int(found[0]) < first:
                return OPENSSL
    return {}


def known_to(node: Need, env: Mapping[str, str]) -> dict[str, str]:
    """The variables of a build without an option that a Node refuses which is older than it."""
    is_older = (pinned_major(node.wanted) or _WITH_OPENSSL_3) < _WITH_OPENSSL_3
    return {name: value for name, value in env.items() if not (is_older and "openssl-legacy" in value)}
