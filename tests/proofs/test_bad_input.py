"""What users get wrong, with a data folder that every account may pass through: builds and applications lie in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.test_bad_input import (
    TestBuild,
    TestNames,
    TestSource,
    TestStart,
    TestVariables,
    test_nothing_of_all_this_has_harmed_the_panel,
)
from tests.support.applications.kept import Kept, kept, open_folder

__all__ = [
    "TestBuild",
    "TestNames",
    "TestSource",
    "TestStart",
    "TestVariables",
    "test_nothing_of_all_this_has_harmed_the_panel",
]


@pytest.fixture(scope="module")
def site() -> Iterator[Kept]:
    with open_folder() as folder, kept(folder) as made:
        yield made
