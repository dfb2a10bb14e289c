"""How many deployments are kept, as features say it for what is theirs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from headway.core.deployments.model import SubjectType
from headway.core.deployments.registration import RegisteredTwice
from headway.core.deployments.retention import Keep
from headway.features.deployments.module import install_retention
from headway.infra.db.transaction import Tx
from headway.module import Base, Module

# As much of what features are installed on as is handed on.
_SETTINGS = SimpleNamespace(keep_deployments=10, keep_deployments_for=None)
BASE = cast("Base", SimpleNamespace(db=None, logs=None, settings=_SETTINGS, engine=SimpleNamespace(troubles=None)))


def test_two_features_do_not_say_how_many_of_one_type_are_kept() -> None:
    def keeps(_tx: Tx, _subject_id: str, default: Keep) -> Keep:
        return default

    one = Module(keeps={SubjectType.SCHEDULE: keeps})
    other = Module(keeps={SubjectType.APPLICATION: keeps, SubjectType.SCHEDULE: keeps})
    with pytest.raises(RegisteredTwice, match="schedule"):
        install_retention(BASE, (one, other))
