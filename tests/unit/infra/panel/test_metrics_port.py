"""Which metrics ports go on without a key: those of before, for as long as nothing about them changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.core.access.service import AccessService
from headway.first_key import first_owner, prepare
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.panel.data_dir import DataDir
from headway.infra.panel.kept_settings import keep_settings
from headway.infra.panel.metrics_port import close, is_open, settle
from headway.kernel.settings import Facts, Settings

FACTS = Facts(is_root=False, home=Path("/home/ann"), cwd=Path("/srv"), cores=2, memory_bytes=8 << 30)
BEFORE = {"HEADWAY_METRICS_PORT": "9100"}


def test_a_new_panels_port_asks_for_a_key_from_the_beginning(tmp_path: Path) -> None:
    close(tmp_path)
    assert settle(tmp_path, 9100, has_key=False) is False
    keep_settings(tmp_path, BEFORE, "1")
    assert is_open(tmp_path, 9100, has_key=False) is False
    assert settle(tmp_path, 9100, has_key=False) is False


async def test_so_does_that_of_one_whose_owner_was_made_before_its_first_start(tmp_path: Path) -> None:
    settings = Settings.from_env({"HEADWAY_OWNER_KEY": "k" * 40}, FACTS, data_dir=str(tmp_path))
    await prepare(settings)
    assert settle(tmp_path, 9100, has_key=False) is False


async def test_so_does_that_of_one_whose_first_start_was_cut_off(tmp_path: Path) -> None:
    class PowerFails(Exception):
        pass

    class Access(AccessService):
        async def bootstrap(self, wanted_key: str | None) -> str | None:
            await super().bootstrap(wanted_key)
            raise PowerFails

    settings = Settings.from_env({}, FACTS, data_dir=str(tmp_path))
    data_dir, db = DataDir.open(tmp_path), SqlDatabase(settings.database.reveal())
    try:
        migrate(db)
        with pytest.raises(PowerFails):
            await first_owner(Access(db), settings, data_dir)
        assert await first_owner(AccessService(db), settings, data_dir) is None
        assert settle(tmp_path, 9100, has_key=False) is False
    finally:
        db.close()
        data_dir.close()


def test_a_port_of_before_goes_on_at_every_start(tmp_path: Path) -> None:
    keep_settings(tmp_path, BEFORE, "1")
    assert is_open(tmp_path, 9100, has_key=False) is True
    for _ in range(2):
        assert settle(tmp_path, 9100, has_key=False) is True
        keep_settings(tmp_path, BEFORE, "2")


def test_so_does_one_of_before_settings_were_kept(tmp_path: Path) -> None:
    assert settle(tmp_path, 9100, has_key=False) is True


@pytest.mark.parametrize(
    ("port", "has_key"), [(9101, False), (9100, True), (None, False)], ids=["another", "a key", "none"]
)
def test_it_ends_with_the_first_change(tmp_path: Path, port: int | None, has_key: bool) -> None:  # noqa: FBT001
    keep_settings(tmp_path, BEFORE, "1")
    assert settle(tmp_path, 9100, has_key=False) is True
    assert settle(tmp_path, port, has_key=has_key) is False
    assert settle(tmp_path, 9100, has_key=False) is False


@pytest.mark.parametrize("before", [{}, {"HEADWAY_METRICS_PORT": "9101"}, {**BEFORE, "HEADWAY_METRICS_KEY": "k"}])
def test_what_was_closed_before_stays_closed(tmp_path: Path, before: dict[str, str]) -> None:
    keep_settings(tmp_path, {"HEADWAY_PORT": "3000", **before}, "1")
    assert settle(tmp_path, 9100, has_key=False) is False
