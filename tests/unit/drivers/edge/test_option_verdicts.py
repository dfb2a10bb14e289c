"""Every option that Traefik reads from a file is judged, and what users say is taken or refused as it was judged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from headway.drivers.edge.custom_traefik import read_own
from headway.drivers.edge.option_verdicts import TREE, UNJUDGED, why_not
from headway.drivers.edge.traefik import Https
from headway.kernel.artifacts import Route, Upstream, Way
from headway.kernel.errors import InvalidInput
from script.traefik import PROGRAM, GoTypes, committed
from script.traefik_page import leaves, shape_of

ROUTE = Route(
    application_id="a", app_name="shop", release_id="r", ways=(Way(host="a.b"),), upstreams=(Upstream(port=9),)
)
MAILED = Https(port=443, mail="a@b.c")
OPTIONS = leaves(committed()[1])
# What an option takes, where its kind alone does not say it.
SAMPLES: Mapping[str, Any] = {
    "users[]": "me:$2b$08$" + "a" * 53,
    "digestAuth.users[]": f"me:realm:{'0' * 32}",
    "rule": "PathPrefix(`/x`)",
    "service": "shop",
    "routers.*.middlewares[]": "shop.m",
    "chain.middlewares[]": "shop.m",
    "entryPoints[]": "secure",
    "certResolver": "acme",
    "responseCode": 503,
    "rejectStatusCode": 403,
    "statusRewrites.*": 200,
}
KINDS: Mapping[str, Any] = {"yes or no": True, "number": 2, "text": "x", "time": "1s", "file": "/etc/shadow"}


def test_the_list_is_that_of_the_traefik_that_is_installed() -> None:
    assert GoTypes(PROGRAM).options() == committed()[1], "run script/traefik, and judge what is new"


def test_every_option_is_judged() -> None:
    assert [path for path in OPTIONS if shape_of(path) is None and why_not(path) == UNJUDGED] == []


def test_nothing_is_allowed_that_traefik_does_not_have() -> None:
    told = read_own(json.dumps(text_of({path for path in OPTIONS if shape_of(path) is not None})), ROUTE, MAILED)
    assert sorted(told) == ["middlewares", "routers", "services"]
    known = {path.casefold() for path in OPTIONS}
    assert [path for path in allowed(TREE, "") if path.casefold() not in known] == []


@pytest.mark.parametrize("spelt", [str, str.lower, str.upper], ids=["as Traefik spells it", "in small", "in capitals"])
def test_each_option_is_taken_or_refused_as_it_was_judged(spelt: Any) -> None:  # noqa: ANN401 - a function of texts
    wrong = []
    for path in OPTIONS:
        taken = shape_of(path) is not None
        try:
            read_own(json.dumps(text_of({path}, spelt)), ROUTE, MAILED)
        except InvalidInput as refused:
            if taken or not ("cannot be set here" in refused.message or "is expected" in refused.message):
                wrong.append(f"{path}: {refused.message}")
        else:
            if not taken:
                wrong.append(f"{path} was taken")
    assert wrong == []


def allowed(shape: Any, path: str) -> list[str]:  # noqa: ANN401 - a shape
    """The paths of all that has a shape."""
    if hasattr(shape, "known"):
        return [each for key, below in shape.known.items() for each in allowed(below, f"{path}.{key}".lstrip("."))]
    if hasattr(shape, "each"):
        return allowed(shape.each, path + ("[]" if type(shape).__name__ == "Several" else ".*"))
    return [path]


def text_of(paths: set[str], spelt: Any = str) -> dict[str, Any]:  # noqa: ANN401 - as above
    """A configuration that sets these, and beside them only what each needs."""
    written: dict[str, Any] = {}
    for path in sorted(paths | needed(paths)):
        _set(written, path.replace("[]", ".[]").split("."), _sample(path), spelt)
    return written


def needed(paths: set[str]) -> set[str]:
    """What Traefik or we insist on beside them."""
    found = (
        {"http.middlewares.*.compress.minResponseBodyBytes"}
        if any("chain" in each or "routers" in each for each in paths)
        else set()
    )
    for start, names in (
        ("http.routers.*", ("rule", "service", "entryPoints[]")),
        ("http.middlewares.*.buffering", ("maxRequestBodyBytes", "maxResponseBodyBytes")),
        ("http.middlewares.*.errors", ("service",)),
        ("http.middlewares.*.chain", ("middlewares[]",)),
    ):
        if any(each.startswith(f"{start}.") for each in paths):
            found |= {f"{start}.{name}" for name in names}
    return found


def _sample(path: str) -> Any:  # noqa: ANN401 - JSON
    fits = [end for end in SAMPLES if path.endswith(f".{end}")]
    return SAMPLES[max(fits, key=len)] if fits else KINDS.get(OPTIONS.get(path, ""), "x")


def _set(written: dict[str, Any], steps: list[str], value: Any, spelt: Any) -> None:  # noqa: ANN401 - JSON
    """Puts the value in its place; each kind of middleware has a middleware of its own."""
    held: Any = written
    for at, step in enumerate(steps):
        last, key = at == len(steps) - 1, step
        if step == "*":
            kind = steps[at + 1] if steps[:at] == ["http", "middlewares"] else ""
            key = {"": "shop", "compress": "shop.m"}.get(kind, f"shop.{kind}") if at == 2 else "X"
        elif step not in {"http", "routers", "services", "middlewares"} or at > 2:
            key = spelt(step)
        if step == "[]":
            if not held:
                held.append(value if last else {})
            held = held[0]
        elif last:
            held.setdefault(key, value) if isinstance(held, dict) else None
        else:
            held = held.setdefault(key, [] if steps[at + 1] == "[]" else {})
