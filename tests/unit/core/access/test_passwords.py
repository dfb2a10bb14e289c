"""What a password may be, how it is kept, and that few are looked at at a time."""

from __future__ import annotations

import asyncio
import time
import unicodedata

import pytest

from headway.core.access import passwords
from headway.core.access.passwords import Passwords, TooManyPasswords, check_password, looked_for, sign_in_name
from headway.kernel.errors import InvalidInput

PASSWORD = "a stone in the brook"


async def test_a_password_is_kept_by_argon2id_with_a_salt_of_its_own() -> None:
    one, other = [await Passwords().hashed(PASSWORD) for _ in range(2)]
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != other
    assert await Passwords().fits(PASSWORD, one)
    assert not await Passwords().fits(f"{PASSWORD}.", one)
    assert not await Passwords().fits("", one)


async def test_a_password_fits_however_its_letters_are_composed() -> None:
    composed = unicodedata.normalize("NFC", "Brücke über den Bach")
    kept = await Passwords().hashed(composed)
    assert await Passwords().fits(unicodedata.normalize("NFD", composed), kept)


async def test_what_was_kept_by_scrypt_fits_too() -> None:
    salt = bytes(range(16))
    made = passwords._scrypt(PASSWORD.encode(), salt)
    kept = f"{passwords._SCRYPT}{passwords._text(salt)}${passwords._text(made)}"
    assert await Passwords().fits(PASSWORD, kept)
    assert not await Passwords().fits(PASSWORD[1:], kept)


async def test_what_stands_for_a_password_that_nobody_has_weighs_as_much_and_fits_nothing() -> None:
    nobodys = passwords._nobodys()
    kept = await Passwords().hashed(PASSWORD)
    parts = [each.split("$") for each in (nobodys, kept)]
    assert parts[0][:4] == parts[1][:4], "the same function, as much memory, as many passes"
    assert [len(each) for each in parts[0]] == [len(each) for each in parts[1]]
    assert not await Passwords().fits(PASSWORD, None)
    assert not await Passwords().fits("", None)


async def test_one_more_than_ten_is_sent_away_and_the_ten_are_looked_at() -> None:
    looked_at = Passwords()
    kept = await looked_at.hashed(PASSWORD)
    results = await asyncio.gather(*(looked_at.fits(PASSWORD, kept) for _ in range(12)), return_exceptions=True)
    assert results.count(True) == 10
    assert sum(isinstance(each, TooManyPasswords) for each in results) == 2
    assert await looked_at.fits(PASSWORD, kept), "there is room again"


@pytest.mark.parametrize(
    ("typed", "spelled"),
    [("Ona", "ona"), (" ona ", "ona"), ("ONA@Example.ORG", "ona@example.org"), ("JOSE\u0301", "jos\u00e9")],
)
def test_a_name_has_one_spelling(typed: str, spelled: str) -> None:
    assert sign_in_name(typed) == looked_for(typed) == spelled


def test_a_name_that_is_looked_for_may_be_anything() -> None:
    assert looked_for("two words\x00" + "x" * 10_000).startswith("two words")
    assert len(looked_for("x" * 10_000)) == 254


def test_a_name_or_password_without_end_costs_nothing() -> None:
    """Marks that are out of order are sorted one by one, in the square of their number."""
    marks = "a" + "\u0301\u0323" * 50_000
    began = time.process_time()
    looked_for(marks)
    with pytest.raises(InvalidInput):
        sign_in_name(marks)
    with pytest.raises(InvalidInput):
        check_password("ona", marks)
    assert time.process_time() - began < 5  # to sort them takes ten


def test_a_password_is_measured_as_it_was_typed() -> None:
    with pytest.raises(InvalidInput, match="at most"):
        check_password("ona", unicodedata.normalize("NFD", "\u00e9" * 600 + "brook"))
