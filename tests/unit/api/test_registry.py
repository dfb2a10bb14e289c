"""The registry: every procedure by name and kind, each with a rule, an input and the schema of its answer."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from headway.faces.http.inputs import Empty
from headway.faces.http.procedures import all_procedures
from headway.faces.http.registry import Call, Kind, Procedure, Registry, mutation, query
from headway.faces.http.rules import RULES
from headway.faces.http.streams import Follows
from headway.infra.logs.broadcast import Broadcast
from headway.infra.logs.paths import LogPaths
from headway.kernel.events import Events


async def _answer(_call: Call[Empty]) -> None:
    return None


def every_procedure(tmp_path_factory: pytest.TempPathFactory) -> tuple[Procedure, ...]:
    broadcast = Broadcast(LogPaths(tmp_path_factory.mktemp("logs")))
    return all_procedures(Follows(None, broadcast, Events(), None))  # type: ignore[arg-type]  # nothing is called


def test_a_procedure_is_found_by_its_name_and_kind() -> None:
    registry = Registry(lambda _router: [query("user.get", "", None, Empty, _answer)])
    assert registry.find("user.get", Kind.QUERY) is not None
    assert registry.find("user.get", Kind.MUTATION) is None
    assert registry.find("user.set", Kind.QUERY) is None


def test_two_procedures_of_one_name_are_refused() -> None:
    twice = query("user.get", "", None, Empty, _answer)
    with pytest.raises(ValueError, match=r"user\.get"):
        Registry(lambda _router: [twice, twice]).named("user.get")


def test_a_procedure_that_the_policy_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="no rule for nobody\\.asked"):
        Registry(lambda _router: [mutation("nobody.asked", "", None, Empty, _answer)]).named("user.get")


def test_every_rule_of_the_policy_has_its_procedure(tmp_path_factory: pytest.TempPathFactory) -> None:
    assert {procedure.name for procedure in every_procedure(tmp_path_factory)} == set(RULES)


def test_every_procedure_says_what_it_does_and_has_schemas(tmp_path_factory: pytest.TempPathFactory) -> None:
    for procedure in every_procedure(tmp_path_factory):
        assert procedure.summary
        assert procedure.input.model_json_schema()["type"] == "object"
        if procedure.output is not None and not procedure.streams:
            assert TypeAdapter(procedure.output).json_schema()
