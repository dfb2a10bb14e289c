"""A compose file as its author wrote it."""

from __future__ import annotations

import pytest

from headway.drivers.runtimes.compose.authored_file import opened_by, read, service_names, variables_file
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
    ("text", "said"),
    [
        (
            "services: {w: {env_file: [!!binary L2V0Yy9wYXNzd2Q=]}}",
            "something is written as !!binary: line 1, column 27",
        ),
        ("!!binary aW5jbHVkZQ==: [/x]\nservices: {}", "!!binary"),
        ("%TAG !y! tag:yaml.org,2002:\n---\nservices: {w: {label_file: !y!binary eA==}}", "!!binary"),
        ("services: {w: {!<tag:yaml.org,2002:binary> ZW52X2ZpbGU=: x}}", "!!binary"),
        ("!!merge include: [{path: /x}]\nservices: {}", "something is written as !!merge"),
        ("services: {w: {<<: {!!merge extends: {file: /x, service: b}}}}", "!!merge"),
        ("services: {w: {<<: {env_file: /x}, <<: !reset {env_file: y}}}", "something (<<) stands there twice"),
        ("services: {w: {<<: {env_file: /x}, env_file: !reset y}}", "is reset and has a value too"),
        ("services: {w: {<<: [!reset {env_file: y}, {env_file: /x}]}}", "is reset and has a value too"),
    ],
)
def test_what_compose_could_take_for_something_else_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(text, 1000)
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (
            "services: {w: {env_file: [on, 0x10, 1:30, 2001-01-01, 1_000]}}",
            ["on", "0x10", "1:30", "2001-01-01", "1_000"],
        ),
        ("services: {w: !!set {env_file: x}}", ["x"]),
        ("services: !!omap {w: {env_file: x}}", ["x"]),
        ("include: !!pairs [{path: s/x, env_file: !!omap [e]}]\nservices: {}", ["s/x", "e"]),
        ("services: {w: {<<: {env_file: x}, env_file: !reset null}}", ["x"]),
        ("services: {w: {<<: [!reset {}, {env_file: x}]}}", ["x"]),
        ("services: {w: {env_file: [!reset '', x]}}", ["x"]),
    ],
)
def test_no_tag_hides_a_file_and_its_name_is_as_it_is_written(text: str, paths: list[str]) -> None:
    assert [each.path for each in opened_by(read(text, 1000))] == paths


def test_a_service_is_called_as_it_is_written() -> None:
    assert service_names(read("services:\n  on: {image: a}\n  1.0: {image: b}\n", 1000)) == ["on", "1.0"]


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
