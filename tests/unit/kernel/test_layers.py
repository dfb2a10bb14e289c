"""Variables in layers: what a reference takes in, and what is said of one that leads nowhere."""

from __future__ import annotations

import re
import time
import tracemalloc
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.kernel.errors import InvalidInput
from headway.kernel.layers import Layer, UnknownReference, resolve
from headway.kernel.variables import Marks

NOTHING: Mapping[str, str] = {}
SECONDS = 1.0


def layers(
    own: Mapping[str, str],
    *,
    project: Mapping[str, str] = NOTHING,
    environment: Mapping[str, str] = NOTHING,
    build: Mapping[str, str] = NOTHING,
) -> dict[Layer, Mapping[str, str]]:
    return {Layer.PROJECT: project, Layer.ENVIRONMENT: environment, Layer.OWN: own, Layer.BUILD: build}


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ("${{project.HOST}}", "db.example"),
        ("${{environment.NAME}}", "app at db.example"),
        ("${{ project.HOST }}", "db.example"),
        ("postgres://${{project.HOST}}/${{LOCAL}}", "postgres://db.example/local"),
        ("$HOST ${HOST} {{HOST}}", "$HOST ${HOST} {{HOST}}"),
    ],
)
def test_references_are_replaced_by_what_they_name(value: str, resolved: str) -> None:
    given = layers(
        {"A": value, "LOCAL": "local"},
        project={"HOST": "db.example", "LOCAL": "the project's"},
        environment={"NAME": "app at ${{project.HOST}}"},
    )
    assert resolve(given, Layer.OWN).variables["A"] == resolved


def test_other_layers_come_in_by_reference_only() -> None:
    given = layers({"A": "1"}, project={"P": "1"}, environment={"E": "1"})
    assert resolve(given, Layer.OWN).variables == {"A": "1"}


def test_a_build_sees_its_own_variables_before_the_application_s() -> None:
    given = layers({"A": "application", "B": "application"}, build={"B": "build", "C": "${{A}} ${{B}}"})
    assert resolve(given, Layer.BUILD).variables == {"B": "build", "C": "application build"}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("${{project.NONE}}", "the project has none of that name"),
        ("${{environment.NONE}}", "the environment has none of that name"),
        ("${{NONE}}", "there is none of that name"),
        ("${{secrets.TOKEN}}", "names no variables that it can see"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(value: str, sentence: str) -> None:
    with pytest.raises(UnknownReference, match="The variable A refers to") as caught:
        resolve(layers({"A": value}), Layer.OWN)
    assert sentence in caught.value.message
    assert value in caught.value.message


def test_a_refusal_repeats_no_piece_of_a_secret() -> None:
    with pytest.raises(UnknownReference) as caught:
        resolve(layers({"A": "${{ not a name but hunter2 }}"}), Layer.OWN)
    assert "hunter2" not in caught.value.message


def test_a_circle_is_named() -> None:
    given = layers({"A": "${{B}}", "B": "${{environment.C}}"}, environment={"C": "${{D}}", "D": "${{C}}"})
    with pytest.raises(InvalidInput, match=r"in a circle: environment\.C → environment\.D → environment\.C"):
        resolve(given, Layer.OWN)


def test_values_do_not_grow_without_end() -> None:
    doubling = {f"A{number}": f"${{{{A{number - 1}}}}}" * 2 for number in range(1, 40)}
    with pytest.raises(InvalidInput, match="longer than the 128 KiB"):
        resolve(layers({"A0": "x" * 1000, **doubling}), Layer.OWN)


def test_values_do_not_grow_without_end_together() -> None:
    lines = {f"V{number}": f"${{{{project.BIG}}}}{number}" for number in range(2000)}
    tracemalloc.start()
    with pytest.raises(InvalidInput, match="The variables are longer than the 2 MiB"):
        resolve(layers(lines, project={"BIG": "x" * (120 << 10)}), Layer.OWN)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8 << 20


def test_one_value_is_refused_before_it_has_grown() -> None:
    tracemalloc.start()
    with pytest.raises(InvalidInput, match="The variable V is longer than the 128 KiB"):
        resolve(layers({"V": "${{project.BIG}}" * 2000}, project={"BIG": "x" * (120 << 10)}), Layer.OWN)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8 << 20


def test_as_many_variables_as_can_be_saved_are_not_too_many() -> None:
    variables = {f"V{number}": "x" * 1000 for number in range(1040)}  # a save holds 1 MiB
    assert resolve(layers(variables, project={"A": "y" * (120 << 10)}), Layer.OWN).variables == variables


def test_a_chain_of_references_ends() -> None:
    chain = {f"V{number}": f"${{{{V{number + 1}}}}}" for number in range(5000)} | {"V5000": "end"}
    with pytest.raises(InvalidInput, match=r"The variable V101 .* by more than 100 steps"):
        resolve(layers(chain), Layer.OWN)


def test_of_layers_that_are_not_given_nothing_is_said() -> None:
    resolve({Layer.OWN: {"A": "${{project.X}}"}}, Layer.OWN)
    with pytest.raises(UnknownReference):
        resolve({Layer.OWN: {"A": "${{X}}"}}, Layer.OWN)


def test_a_secret_is_masked_wherever_it_stands() -> None:
    given = layers(
        {"LOG_LEVEL": "${{project.TOKEN}}", "URL": "https://${{environment.PASSWORD}}@x", "PORT": "12345678"},
        project={"TOKEN": "project-token", "UNUSED": "unused-token"},
        environment={"PASSWORD": "the-password"},
    )
    secrets = resolve(given, Layer.OWN).secrets(Marks())
    assert set(secrets) == {"https://the-password@x", "the-password", "project-token"}


def test_marks_open_and_close_names_also_of_other_layers() -> None:
    given = layers(
        {"REGION": "eu-central", "NODE_ENV": "hidden-after-all", "A": "${{project.ZONE}}"},
        project={"ZONE": "zone-one"},
    )
    marks = Marks(open=frozenset({"REGION", "project.ZONE", "A"}), secret=frozenset({"NODE_ENV"}))
    assert resolve(given, Layer.OWN).secrets(marks) == ("hidden-after-all",)


@given(st.lists(st.sampled_from(["${{", "}}", "$", "{", "}", "N", " ", "project.P", "\n"]), max_size=16).map("".join))
def test_a_reference_goes_from_its_beginning_to_the_nearest_end(value: str) -> None:
    known = {"N": "n", "project.P": "p"}
    named = [each.strip() for each in re.findall(r"\$\{\{(.*?)\}\}", value, re.DOTALL)]
    whole = layers({"A": value, "N": "n"}, project={"P": "p"})
    if all(each in known for each in named):
        replaced = re.sub(r"\$\{\{(.*?)\}\}", lambda found: known[found[1].strip()], value, flags=re.DOTALL)
        assert resolve(whole, Layer.OWN).variables["A"] == replaced
    else:
        with pytest.raises(InvalidInput):
            resolve(whole, Layer.OWN)


@pytest.mark.parametrize("value", ["${{" * 20_000, "${{N}}" * 10_000 + "${{ " * 10_000, "}}" + "${{}" * 15_000])
def test_references_without_an_end_are_read_in_a_moment(value: str) -> None:
    began = time.process_time()
    assert resolve(layers({"A": value, "N": ""}), Layer.OWN).variables["A"] == value.replace("${{N}}", "")
    assert time.process_time() - began < SECONDS
