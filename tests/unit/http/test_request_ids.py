"""What the panel's own log tells of an address."""

from __future__ import annotations

import pytest

from headway.http.request_ids import told_path


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/link/a-secret", "/link/*"),
        ("//link/a-secret", "/link/*"),
        ("/link//a-secret", "/link/*"),
        ("///invitation///a-secret", "/invitation/*"),
        ("//shared/a-secret/-/state", "/shared/*/-/state"),
        ("/api//deploy/a-secret", "/api/deploy/*"),
        ("/api/deploy/compose//a-secret", "/api/deploy/compose/*"),
        ("/deployments/x", "/deployments/x"),
        ("/files//x", "/files//x"),
    ],
)
def test_an_address_whose_knowing_is_enough_is_not_told_however_it_is_spelled(path: str, told: str) -> None:
    assert told_path(path) == told
