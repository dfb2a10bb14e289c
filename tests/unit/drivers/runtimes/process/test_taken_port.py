"""What is said of a port that another process holds: one that Headway chose, and one that stays an application's."""

from __future__ import annotations

import pytest

from headway.drivers.runtimes.process.health import mend_of_taken
from headway.kernel.artifacts import Bundle, HealthCheck, ReleaseSpec
from headway.kernel.secret import Secret


@pytest.mark.parametrize(
    ("own", "env", "said"),
    [
        (None, {}, "deploy again: a port that Headway chose is another one then"),
        (8080, {}, "its program has that port in its sources: let it read PORT"),
        (None, {"PORT": "8080"}, "headway env set APP PORT=N"),
    ],
)
def test_another_deploy_is_advised_where_it_gets_another_port(own: int | None, env: dict[str, str], said: str) -> None:
    spec = ReleaseSpec(
        release_id="r",
        deployment_id="d",
        application_id="a",
        app_name="shop",
        artifact=Bundle(folder="/nowhere", port=own),
        uid=None,
        gid=None,
        port=8080,
        env={name: Secret(value) for name, value in env.items()},
        health=HealthCheck(),
    )
    assert said in mend_of_taken(spec)
    assert ("deploy again:" in mend_of_taken(spec)) == (own is None and not env)
