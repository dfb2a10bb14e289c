"""What Traefik has been issued, and what kept it from that, as it writes both."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headway.drivers.edge.issuance import Issuance, IssuanceFiles, certificates_in, refusals_in
from tests.support.certificates.certificates import certificate_for

# As Traefik 3 colours its lines.
LINE = (
    "\x1b[90m2026-11-29T12:03:04Z\x1b[0m \x1b[1m\x1b[31mERR\x1b[0m\x1b[0m \x1b[1mUnable to obtain ACME certificate for "
    'domains\x1b[0m \x1b[36merror=\x1b[0m\x1b[31m\x1b[1m"unable to generate a certificate for the domains [{host}]: '
    "error: one or more domains had a problem:\\n[{host}] invalid authorization: acme: error: 400 :: "
    'urn:ietf:params:acme:error:dns :: no such name \\"{host}\\"\\n"\x1b[0m\x1b[0m \x1b[36mACME CA=\x1b[0mhttps://'
    'ca.example/dir \x1b[36macmeCA=\x1b[0mhttps://ca.example/dir \x1b[36mdomains=\x1b[0m["{host}"] '
    "\x1b[36mproviderName=\x1b[0macme.acme"
)
RENEWAL = (
    "2026-11-30T12:03:04+01:00 ERR Error renewing certificate from LE: {{{host} []}} "
    'error="error: one or more domains had a problem:\\n[{host}] acme: error: 429 :: too many\\n" '
    "providerName=acme.acme"
)


def kept(*hosts: str, days: int = 30, **more: object) -> dict[str, object]:
    pem, key = certificate_for(*hosts, days=days)
    main, *others = hosts
    domain = {"main": main, **({"sans": others} if others else {})}
    encoded = {"certificate": base64.b64encode(pem.encode()).decode(), "key": base64.b64encode(key.encode()).decode()}
    return {"domain": domain, **encoded, "Store": "default", **more}


def state(*certificates: object) -> str:
    return json.dumps({"acme": {"Account": {"Email": "a@b"}, "Certificates": list(certificates) or None}})


def test_each_name_of_a_certificate_is_good_until_its_end_and_the_newest_counts() -> None:
    found = certificates_in(state(kept("www.example.org", "example.org", days=10), kept("example.org", days=60)))
    issuance = Issuance(certificates=found, refusals=())
    until = [issuance.until(each) for each in ("www.example.org", "example.org", "other.example.org")]
    now = datetime.now(UTC)
    days = [None if each is None else round((each - now) / timedelta(days=1)) for each in until]
    assert days == [10, 60, None]
    assert "PRIVATE KEY" not in repr(found)


def test_one_for_all_names_below_covers_them_and_not_those_below_these() -> None:
    issuance = Issuance(certificates=certificates_in(state(kept("*.example.org"))), refusals=())
    assert issuance.until("a.example.org") is not None
    assert issuance.until("a.b.example.org") is issuance.until("example.org") is None


@pytest.mark.parametrize("text", ["", "\n", "{}", '{"acme": null}', state()])
def test_where_nothing_was_issued_there_is_nothing(text: str) -> None:
    assert certificates_in(text) == ()


def test_one_that_cannot_be_read_keeps_nobody_from_the_others() -> None:
    broken = [kept("a.example", certificate="AAAA"), {"domain": {}}, "text", None, kept("c.example", certificate=7)]
    (found,) = certificates_in(state(*broken, kept("b.example")))
    assert found.hosts == ("b.example",)


@pytest.mark.parametrize("text", ['{"acme": {"Acc', "[]", "7", "\xff"])
def test_what_is_not_whole_is_not_taken_for_nothing(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        certificates_in(text)


def test_what_an_authority_says_of_a_name_is_told_without_what_stands_around_it() -> None:
    (found,) = refusals_in(f"2026-11-29T12:00:00Z ERR something else\n{LINE.format(host='www.example.org')}\n")
    assert (found.hosts, found.at) == (("www.example.org",), datetime(2026, 11, 29, 12, 3, 4, tzinfo=UTC))
    assert found.why == (
        'invalid authorization: acme: error: 400 :: urn:ietf:params:acme:error:dns :: no such name "www.example.org"'
    )


def test_what_is_said_of_the_whole_order_is_told_too() -> None:
    said = (
        "unable to generate a certificate for the domains [a.example]: acme: error: 400 :: POST :: a forbidden domain"
    )
    (found,) = refusals_in(
        f'2026-11-29T18:57:00Z ERR Unable to obtain ACME certificate for domains error="{said}" domains=["a.example"]'
    )
    assert found.why == "acme: error: 400 :: POST :: a forbidden domain"


def test_of_a_name_the_newest_is_told_also_that_it_was_not_renewed() -> None:
    text = "\n".join((LINE.format(host="a.example"), LINE.format(host="b.example"), RENEWAL.format(host="a.example")))
    issuance = Issuance(certificates=(), refusals=refusals_in(text))
    renewed, other = issuance.refusal("a.example"), issuance.refusal("b.example")
    assert renewed is not None
    assert other is not None
    assert (renewed.why, renewed.at.hour) == ("acme: error: 429 :: too many", 12)
    assert other.why.startswith("invalid authorization")
    assert issuance.refusal("c.example") is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "2026-11-29T12:03:04Z ERR Unable to obtain ACME certificate for domains",
        '2026-11-29T12:03:04Z ERR Unable to obtain ACME certificate for domains error="a \\x"',
        '2026-11-29T12:03:04Z ERR Unable to obtain ACME certificate for domains error="why" domains=["a',
        '2026-11-99T12:03:04Z ERR Unable to obtain ACME certificate for domains error="why" domains=["a"]',
        '2026-11-29T12:03:04 ERR Unable to obtain ACME certificate for domains error="why" domains=["a"]',
        'Unable to obtain ACME certificate for domains error="why" domains=["a"]',
    ],
)
def test_a_line_that_is_cut_or_of_something_else_says_nothing(line: str) -> None:
    assert refusals_in(line) == ()


async def test_the_files_are_read_anew_where_they_have_changed_and_half_of_one_is_not_known(tmp_path: Path) -> None:
    issued, log = tmp_path / "acme.json", tmp_path / "traefik.log"
    files = IssuanceFiles(tmp_path)
    assert await files.read() == Issuance(certificates=(), refusals=())
    issued.write_text(state(kept("a.example")))
    log.write_text(LINE.format(host="b.example") + "\n")
    first = await files.read()
    assert first is not None
    assert [each.hosts for each in first.certificates] == [("a.example",)]
    assert [each.hosts for each in first.refusals] == [("b.example",)]
    issued.write_text(state(kept("a.example"))[:90])
    assert await files.read() is None
    issued.write_text(state(kept("a.example"), kept("c.example")))
    again = await files.read()
    assert again is not None
    assert len(again.certificates) == 2
    issued.unlink()
    issued.symlink_to(log)
    assert await files.read() is None, "only what lies there itself is read"
    issued.unlink()
    os.mkfifo(issued)
    assert await files.read() in {None, Issuance(certificates=(), refusals=again.refusals)}, "and nobody waits for it"
