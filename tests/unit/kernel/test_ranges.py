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
        (">=3.9,!=3.9.7", PYTHON),
        (">=3.9,!=3.9.7,<4.0", PYTHON),
        (">=2.7,!=3.0.*,!=3.1.*,!=3.2.*", PYTHON),
        ("<3.13,>=3.9,!=3.12.*", "3.11"),
        (">=3.8,!=3.12.*", "3.13"),
        (">3.12", "3.13"),
        (">3.12.1", "3.12"),
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
        (">18", "20"),
        (">18.2", "18"),
        ("!=18", NODE),
        ("20.x", "20"),
        ("v18.17.0", "18"),
        ("20.19+ or 22.12+", "22"),
        ("*", NODE),
        ("", NODE),
    ],
)
def test_a_node_fits(wants: str, version: str) -> None:
    assert node_of(wants) == version
