"""What pages say of values: the same words for the same thing, whatever it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from headway.core.deployments.status import Reason, Status
from headway.pages import words
from headway.pages.words import cut, deployment_state, duration, iso, label, link, plural, size, state, took, utc


@pytest.mark.parametrize(
    ("milliseconds", "told"),
    [
        (None, ""),
        (-5, "0 ms"),
        (0, "0 ms"),
        (21, "21 ms"),
        (99, "99 ms"),
        (100, "0.1 s"),
        (9_949, "9.9 s"),
        (9_960, "10 s"),
        (59_400, "59 s"),
        (59_600, "1 min 00 s"),
        (185_000, "3 min 05 s"),
        (3_599_600, "1 h 00 min"),
        (4_320_000, "1 h 12 min"),
        (183_600_000, "2 d 3 h"),
    ],
)
def test_a_duration_is_as_precise_as_one_cares_to_know(milliseconds: float | None, told: str) -> None:
    assert duration(milliseconds) == told


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (None, ""),
        (0, "0 B"),
        (1_023, "1023 B"),
        (1_024, "1.0 KiB"),
        (10_189, "10 KiB"),
        (1_047_552, "1,023 KiB"),
        (1_048_064, "1.0 MiB"),
        (325_058_560, "310 MiB"),
        (5 << 30, "5.0 GiB"),
        (3 << 40, "3.0 TiB"),
        (2_000 << 40, "2,000 TiB"),
    ],
)
def test_bytes_are_told_in_their_largest_unit(number: int | None, told: str) -> None:
    assert size(number) == told


def test_numbers_have_their_thousands_apart() -> None:
    assert words.count(12_345) == "12,345"
    assert words.count(1_000, at_least=True) == "1,000+"
    assert words.count(None) == ""
    assert (plural(1, "service"), plural(0, "service"), plural(3, "entry", "entries")) == (
        "1 service",
        "0 services",
        "3 entries",
    )


@pytest.mark.parametrize(
    "given",
    [
        "2026-11-29T12:03:04.250Z",
        "2026-11-29T13:03:04+01:00",
        datetime(2026, 11, 29, 12, 3, 4, 999_999, tzinfo=UTC),
        datetime(2026, 11, 29, 7, 3, 4, tzinfo=timezone(timedelta(hours=-5))),
    ],
)
def test_a_time_is_told_in_utc_wherever_it_comes_from(given: str | datetime) -> None:
    assert iso(given) == "2026-11-29T12:03:04Z"
    assert utc(given) == "29 Nov 2026, 12:03:04 UTC"


def test_a_time_that_is_not_known_is_not_told() -> None:
    assert utc(None) == ""


@pytest.mark.parametrize(
    "given",
    [
        "https://forge.example/team/app/commit/1f?a=b#c",
        "http://127.0.0.1:3000/",
        "https://[2001:db8::1]:8443/x",
        "HTTPS://forge.example",
    ],
)
def test_addresses_of_the_web_are_linked_as_they_are(given: str) -> None:
    assert link(given) == given


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        " https://forge.example",
        "https://forge.example/a b",
        "https://forge.example\\@evil.example",
        "https://user:password@forge.example",
        "https://user@forge.example",
        "data:text/html,x",
        "ftp://forge.example",
        "//forge.example",
        "/deployments",
        "https:///x",
        "https://",
        "https://forge.example:99999/",
        "https://[::1",
        "https://forge.example/\x00",
        "https://forge.example/" + "x" * 2_000,
    ],
)
def test_nothing_else_is_linked(given: str | None) -> None:
    assert link(given) == ""


def test_names_of_the_wire_become_words() -> None:
    assert label("keepConfiguration") == "Keep configuration"
    assert label("serverId") == "Server ID"
    assert label("name") == "Name"
    assert label("") == ""


def test_a_long_text_is_cut_and_says_so() -> None:
    assert cut("x" * 300) == "x" * 300
    assert cut("x" * 301) == "x" * 299 + "…"
    assert cut("one two", 5) == "one…"
    assert cut(None) == ""


def test_what_would_turn_a_text_around_is_shown() -> None:
    assert cut("invoice\u202efdp.exe") == "invoice⟨U+202E⟩fdp.exe"
    assert cut("a\x1b[31mb\tc\nd") == "a⟨U+001B⟩[31mb\tc\nd"


def test_a_commit_is_told_by_its_first_line() -> None:
    assert words.first_line("\n\n  Mend the cart \n\nIt was broken.") == "Mend the cart"
    assert words.first_line(None) == ""
    assert words.short_hash("9f3c2d1a7b6e5f40") == "9f3c2d1a"


def test_every_status_and_reason_has_a_state_of_its_own() -> None:
    """None of them falls to the state of what nobody knows."""
    rows = [{"status": each} for each in Status] + [{"status": Status.ERROR, "reason": each} for each in Reason]
    assert {deployment_state(row).icon for row in rows}.isdisjoint({state("what nobody knows").icon})


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"status": "pending", "createdAt": "C"}, ("pending", "wait", "C", None)),
        (
            {"status": "pending", "createdAt": "C", "waitsFor": {"message": "It waits for its turn."}},
            ("pending", "wait", "C", "It waits for its turn."),
        ),
        ({"status": "running", "startedAt": "S"}, ("running", "busy", "S", None)),
        ({"status": "running", "startedAt": "S", "killRequestedAt": "K"}, ("ending", "busy", "K", None)),
        (
            {"status": "running", "startedAt": "S", "killRequestedAt": "K", "outOfReachSince": "O"},
            ("unknown", "unknown", "O", "its server does not answer"),
        ),
        ({"status": "done", "finishedAt": "F"}, ("done", "good", "F", None)),
        ({"status": "done", "finishedAt": "F", "unstable": True}, ("unstable", "warn", "F", None)),
        ({"status": "error", "reason": "timed_out", "finishedAt": "F"}, ("timed out", "bad", "F", None)),
        ({"status": "error", "reason": "failed", "finishedAt": "F"}, ("failed", "bad", "F", None)),
        ({"status": "error", "reason": None, "finishedAt": "F"}, ("error", "bad", "F", None)),
        ({"status": "error", "reason": "cancelled", "finishedAt": "F"}, ("cancelled", "off", "F", None)),
        ({"status": "error", "reason": "killed", "finishedAt": "F"}, ("killed", "off", "F", None)),
        ({"status": "error", "reason": "superseded", "finishedAt": "F"}, ("superseded", "off", "F", None)),
    ],
)
def test_the_state_of_a_deployment(row: dict[str, object], told: tuple[str, str, str, str | None]) -> None:
    found = deployment_state(row)
    assert (found.word, found.tone, found.at, found.why) == told


def test_a_state_that_nobody_knows_is_shown_as_it_calls_itself() -> None:
    found = state("half_awake")
    assert (found.word, found.tone) == ("half awake", "off")


def test_a_deployment_took_the_time_from_its_beginning_to_its_end() -> None:
    began, ended = "2026-11-29T12:00:00.000Z", "2026-11-29T12:01:02.500Z"
    assert took({"startedAt": began, "finishedAt": ended}) == 62_500
    assert took({"startedAt": began, "finishedAt": None}) is None
    assert took({"startedAt": None, "finishedAt": ended}) is None
