"""A version that is named in a mend fits the range that the tool named."""

from __future__ import annotations

import pytest

from headway.kernel.failures.ranges import NODE, PYTHON, node_of, python_of


@pytest.mark.parametrize(
    ("wants", "version"),
    [
        (">=3.7,<3.11", "3.10"),
        (">=3.7, <=3.11", "3.11"),
        ("~=3.10", "3.10"),
        ("==3.11.*", "3.11"),
        ("^3.13", "3.13"),
        (">=3.8", PYTHON),
        (">=3.14", "3.14"),
        (">=3.8,<4.0", PYTHON),
        ("none that is known", PYTHON),
        ("", PYTHON),
    ],
)
def test_a_python_fits(wants: str, version: str) -> None:
    assert python_of(wants) == version


@pytest.mark.parametrize(
    ("wants", "version"),
    [
        (">=14", "14"),
        (">=14.0.0", "14"),
        ("^18.0.0 || >=20", "20"),
        (">=18 <21", "20"),
        (">= 16 <= 20", "20"),
        ("20.x", "20"),
        ("v18.17.0", "18"),
        ("20.19+ or 22.12+", "22"),
        ("*", NODE),
        ("", NODE),
    ],
)
def test_a_node_fits(wants: str, version: str) -> None:
    assert node_of(wants) == version
