"""A route that is taken away while all of them are written anew stays away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from headway.drivers.edge import edge as edge_module
from headway.drivers.edge import last_answers, route_file, traefik
from headway.drivers.edge.edge import Edge
from headway.drivers.edge.route_folder import RouteFolder
from tests.unit.drivers.edge.test_route_folder import written


def removing(folder: Path, of: Callable[..., Any]) -> tuple[Callable[..., Any], list[Thread]]:
    """The function, during which another process takes the route away."""
    other, threads = RouteFolder(folder=folder / "routes", beside=folder, reader=None), list[Thread]()

    def slowly(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - as the function
        if not threads:
            threads.append(Thread(target=other.remove, args=("gone",)))
            threads[0].start()
            threads[0].join(0.5)
        return of(*given, **named)

    return slowly, threads


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes/gone.yml").write_text(written("gone"))
    made = Edge(tmp_path, host="127.0.0.1", port=9)
    made._lay_out()
    return made


@pytest.mark.parametrize("when", ["it begins", "another takes its place"])
def test_a_route_that_is_taken_away_meanwhile_does_not_come_back(
    edge: Edge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    if when == "it begins":
        slowly, threads = removing(tmp_path, route_file.render_route)
        monkeypatch.setattr(edge_module, "render_route", slowly)
        edge._renew_files()
    else:
        slowly, threads = removing(tmp_path, traefik.telling)
        monkeypatch.setattr(last_answers, "telling", slowly)
        last_answers.LastAnswers(files=edge._files, prober=edge._prober)._mark_all()
    threads[0].join()
    assert [each.name for each in (tmp_path / "routes").glob("*.yml")] == []


def test_a_file_is_changed_where_it_is_and_something_is_made_of_it(edge: Edge, tmp_path: Path) -> None:
    seen: list[str] = []
    assert not edge._files.change("gone", seen.append)
    assert seen == [written("gone")]
    assert not edge._files.change("never", lambda text: text)
