"""Build paths, before anything is asked of the host."""

from __future__ import annotations

import pytest

from headway.drivers.sources.build_path import parse_build_path
from headway.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    ("path", "relative"),
    [
        ("", ""),
        ("/", ""),
        (".", ""),
        ("./", ""),
        ("//", ""),
        ("apps/web", "apps/web"),
        ("/apps//web/", "apps/web"),
        ("./apps/../web", "web"),
        (" web ", "web"),
        ("a b/$(x)", "a b/$(x)"),
        ("..x", "..x"),
        ("-x", "-x"),
    ],
)
def test_build_paths(path: str, relative: str) -> None:
    assert parse_build_path(path) == relative


@pytest.mark.parametrize("path", ["..", "../x", "/..", "/../etc", "a/../../x", "a\0b", "a\nb", "x" * 2000])
def test_build_paths_that_are_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match="build path"):
        parse_build_path(path)
