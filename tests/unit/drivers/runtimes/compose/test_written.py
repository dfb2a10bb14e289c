"""A compose file as its author wrote it."""

from __future__ import annotations

import pytest

from headway.drivers.runtimes.compose.written import opened_by, read, service_names, variables_file
from headway.kernel.errors import InvalidInput


def test_services_are_named_in_the_order_of_the_file() -> None:
    assert service_names(read("services:\n  web: {image: a}\n  db: {image: b}\n", 1000)) == ["web", "db"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {\n  web: [}", "line 2, column 9"),
        ("- a\n- b\n", "no services"),
        ("services: text\n", "no services"),
        ("a: &a [*a]\n", "within what it stands for"),
        ("services: {a: {image: \x01}}", "no YAML"),
    ],
)
def test_what_is_no_compose_file_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(text, 1000)
    assert said in refused.value.message


def test_tags_of_compose_are_overlooked() -> None:
    document = read(
        "services:\n  web:\n    image: a\n    ports: !reset []\n    environment: !override {A: '1'}\n", 1000
    )
    assert document["services"]["web"]["environment"] == {"A": "1"}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("services: {w: {env_file: a.env}}", [("a.env", False)]),
        ("services: {w: {env_file: [a.env, {path: b.env, required: false}]}}", [("a.env", False), ("b.env", False)]),
        ("services: {w: {label_file: l}}", [("l", False)]),
        ("services: {w: {extends: {file: base.yml, service: b}}}", [("base.yml", True)]),
        ("services: {w: {extends: {service: b}}}", []),
        ("include: [a.yml]", [("a.yml", True), (".env", False)]),
        ("include: [s/a.yml]", [("s/a.yml", True), ("s/.env", False)]),
        (
            "include: [{path: [s/a.yml, b.yml], project_directory: d}]",
            [("s/a.yml", True), ("b.yml", True), ("d/.env", False), ("d", False)],
        ),
        (
            "include: [{path: [a.yml, b.yml], env_file: e, project_directory: d}]",
            [("a.yml", True), ("b.yml", True), ("e", False), ("d", False)],
        ),
        ("services: {w: {<<: {env_file: merged}}}", [("merged", False)]),
        ("x: &x {env_file: anchored}\nservices: {w: *x}", [("anchored", False)]),
    ],
)
def test_every_other_file_that_would_be_read_is_named(text: str, paths: list[tuple[str, bool]]) -> None:
    assert [(each.path, each.is_compose) for each in opened_by(read(text, 1000))] == paths


def test_variables_are_quoted_so_that_nothing_in_them_is_read_as_more_than_text() -> None:
    values = {"A": "plain $HOME", "B": "it's", "C": 'a\\b "c" $D', "E": "two\nlines'"}
    assert variables_file(values) == ('A=\'plain $HOME\'\nB="it\'s"\nC="a\\\\b \\"c\\" \\$D"\nE="two\\nlines\'"\n')
