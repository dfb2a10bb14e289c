"""What is looked at again before an answer about a machine is used once more."""

from __future__ import annotations

from pathlib import Path

import pytest

from headway.drivers.buildplan.toolchains import inventory_script


def test_every_link_on_the_way_is_looked_at_and_what_it_points_at(tmp_path: Path) -> None:
    for name in ("bin", "alternatives", "opt/python3.12/bin"):
        (tmp_path / name).mkdir(parents=True)
    real = tmp_path / "opt/python3.12/bin/python3"
    real.touch()
    (tmp_path / "opt/current").symlink_to("python3.12")
    (tmp_path / "alternatives/python3").symlink_to("../opt/current/bin/python3")
    (tmp_path / "bin/python3").symlink_to(tmp_path / "alternatives/python3")
    (tmp_path / "bin/gone").symlink_to("gone")
    found = inventory_script.hops(tmp_path / "bin/python3")
    assert {"bin/python3", "alternatives/python3", "opt/current", "opt/current/bin/python3"} <= {
        str(each.relative_to(tmp_path)) for each in found if each.is_relative_to(tmp_path)
    }
    assert real.resolve() in found
    (tmp_path / "loop").symlink_to("loop/on")
    with pytest.raises(OSError, match="nowhere"):
        inventory_script.hops(tmp_path / "loop")


@pytest.mark.parametrize("fault", [PermissionError(13, "denied"), RuntimeError("Symlink loop")])
def test_where_a_place_cannot_be_looked_at_nothing_is_remembered(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def refuse(*_: object) -> set[str]:
        raise fault

    asked = {"roots": {}, "store": "/nonexistent"}
    assert "/var/lib/dpkg/status" in (inventory_script.noted_places({}, asked) or ())
    monkeypatch.setattr(inventory_script, "places", refuse)
    assert inventory_script.noted_places({}, asked) is None
