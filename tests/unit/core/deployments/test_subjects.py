"""What deployments belong to, and what each of it is called."""

from __future__ import annotations

from headway.core.deployments.model import SubjectType
from headway.core.deployments.subjects import NOUNS


def test_each_type_of_subject_has_a_noun() -> None:
    assert NOUNS.keys() == set(SubjectType)
