"""Keys: what is stored of them, and which can be chosen."""

from __future__ import annotations

import hashlib

import pytest

from headway.core.access.tokens import check, digest
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import new_key


def test_only_the_sha256_is_kept() -> None:
    assert digest("key") == hashlib.sha256(b"key").hexdigest()


def test_a_key_of_any_bytes_has_a_digest() -> None:
    assert len(digest("\udcff\x00é")) == 64


@pytest.mark.parametrize("key", ["k", "a-b_c.d", "k" * 512])
def test_a_key_that_fits_a_header_can_be_chosen(key: str) -> None:
    check(key)


def test_a_key_of_our_own_making_fits_a_header() -> None:
    check(new_key())


@pytest.mark.parametrize("key", ["", "two words", "tab\t", "line\n", "é", "k" * 513, "nul\x00"])
def test_a_key_that_no_header_can_carry_is_refused_with_the_way_out(key: str) -> None:
    with pytest.raises(InvalidInput, match="HEADWAY_OWNER_KEY"):
        check(key)
