"""The log is a pure function of the output: the same however it comes in pieces, with no secret in it."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headway.infra.logs.mask import MASK, Masker

LETTERS = "ab\n\ré=Y%\ufffd"
SECRETS = st.lists(st.text(LETTERS, min_size=1, max_size=14), max_size=4)
RAW = st.lists(
    st.one_of(
        st.text(LETTERS, max_size=12).map(str.encode),
        st.binary(max_size=6),
        st.sampled_from(
            [
                b"\x00",
                b"\x00\n",
                b"\r",
                b"\xc3",
                b"\xa9",
                b"\xed\xa0\x80",
                b"\xf0\x9f\x98",
                b"\xf0\x80",
                "\ufffd".encode(),
            ]
        ),
    ),
    max_size=12,
)


@st.composite
def outputs(draw: st.DrawFn) -> tuple[list[str], bytes, list[int]]:
    """Secrets, an output full of their forms and of beginnings and ends of them, and where it is cut."""
    secrets = draw(SECRETS)
    pieces = draw(RAW)
    variants = Masker(secrets).variants
    forms = [*variants.exact, *variants.wrapped]
    if forms:
        for form in draw(st.lists(st.sampled_from(forms), max_size=5)):
            begin, end = draw(st.integers(0, 3)), draw(st.integers(0, 3))
            part = form[begin : len(form) - end]
            if draw(st.booleans()):
                part = re.sub(rb"(..)", draw(st.sampled_from([b"\\1\n", b"\\1\r\n", b"\\1\n\n\n"])), part)
            pieces.insert(draw(st.integers(0, len(pieces))), part)
    output = b"".join(pieces)
    return secrets, output, sorted(draw(st.lists(st.integers(0, len(output)), max_size=8)))


@given(outputs())
@example((["abcdefghij"], b"abcdefgh\0\0\n", [10]))  # a program's own zero before the mark
@settings(max_examples=600, deadline=None)
@pytest.mark.slow
def test_any_cutting_gives_the_same_log_as_none(case: tuple[list[str], bytes, list[int]]) -> None:
    secrets, output, cuts = case
    masker = Masker(secrets)
    stream = masker.stream()
    log, settled = b"", 0
    for begin, end in zip([0, *cuts], [*cuts, len(output)], strict=True):
        log += stream.feed(output[begin:end])
        log.decode()
        if stream.settled is not None:
            assert settled <= stream.settled <= end
            settled = stream.settled
    assert log + stream.finish() == masker.mask(output)


@given(outputs())
@settings(max_examples=600, deadline=None)
@pytest.mark.slow
def test_the_log_is_what_a_plain_search_makes_of_it(case: tuple[list[str], bytes, list[int]]) -> None:
    secrets, output, _ = case
    masker = Masker(secrets)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    whole = decoder.decode(output, final=True).encode()
    parts = [_searched(part, masker.variants.exact, masker.variants.wrapped) for part in whole.split(b"\0\n")]
    assert masker.mask(output) == b"\n".join(parts)


@pytest.mark.slow
@given(outputs())
@settings(max_examples=300, deadline=None)
def test_a_stream_taken_up_where_another_had_settled_goes_on_as_it(case: tuple[list[str], bytes, list[int]]) -> None:
    secrets, output, cuts = case
    masker = Masker(secrets)
    stream = masker.stream()
    log = b""
    for begin, end in zip([0, *cuts], cuts, strict=False):
        log += stream.feed(output[begin:end])
        if stream.settled is not None:
            assert log + masker.mask(output[stream.settled :]) == masker.mask(output)


@pytest.mark.slow
@given(outputs())
@settings(max_examples=300, deadline=None)
def test_no_form_of_a_secret_is_left(case: tuple[list[str], bytes, list[int]]) -> None:
    secrets, output, _ = case
    masker = Masker(secrets)
    for text in masker.mask(output).split(MASK):  # no secret here holds a star, so none can stand across a mask
        assert [form for form in (*masker.variants.exact, *masker.variants.wrapped) if form in text] == []


def test_a_secret_cut_at_every_place_is_masked() -> None:
    secret = "correct horse\nbattery stäple"
    masker = Masker([secret])
    output = f"one {secret} two\n".encode()
    for cut in range(len(output) + 1):
        stream = masker.stream()
        assert stream.feed(output[:cut]) + stream.feed(output[cut:]) + stream.finish() == b"one ****** two\n"
    stream = masker.stream()
    assert b"".join(stream.feed(bytes([byte])) for byte in output) + stream.finish() == b"one ****** two\n"


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_beginning_of_a_secret_is_masked_where_a_line_was_cut_off_in_it(size: int) -> None:
    secret = "correct horse\nbattery stäple"
    masker = Masker([secret])
    for length in range(8, len(secret.encode())):
        output = b"one " + secret.encode()[:length] + b"\0\nKilled\0x\0\n\0"
        stream = masker.stream()
        pieces = [output[at : at + size] for at in range(0, len(output), size)]
        shown = b"".join(map(stream.feed, pieces)) + stream.finish()
        assert shown == b"one ******\nKilled\0x\n\0", length
    stream = masker.stream()
    assert stream.feed(b"correct horse\0") == b""
    assert not stream.is_likely_open  # not even while the end of the line is on its way
    assert Masker(["hunter2"]).mask(b"hunter\0\nhunter2\0\n") == b"hunter\n******\n"


def test_only_what_may_begin_a_secret_is_held_back() -> None:
    stream = Masker(["hunter2"]).stream()
    assert stream.feed(b"password: hunt") == b"password: "
    assert stream.settled == len(b"password: ")
    assert stream.feed(b"ing\n") == b"hunting\n"
    assert stream.settled == len(b"password: hunting\n")
    assert stream.feed(b"hunter2") == MASK
    assert stream.feed(b"hunter") == b""
    assert stream.finish() == b"hunter"


def test_of_several_secrets_the_first_and_then_the_longest_is_masked() -> None:
    masker = Masker(["abcd", "abcdefgh", "cdefghijkl"])
    assert masker.mask(b"abcdefgh abcdefg cdefghijkl abcdefghijkl") == b"****** ******efg ****** ******ijkl"


def test_what_could_begin_within_a_masked_secret_holds_nothing_back() -> None:
    stream = Masker(["abcd", "bcd;wxyz;and more", "wxyz"]).stream()
    assert stream.feed(b"abcd;wxyz;an") == b"******;******;an"


def test_base64_is_found_across_one_line_end_and_not_across_three() -> None:
    masker = Masker(["hunter2hunter2"])
    assert masker.mask(b"aHVudGVy\r\nMmh1bnRlcjI=\n") == b"******\n"
    assert masker.mask(b"aHVudGVy\n\n\nMmh1bnRlcjI=\n") == b"aHVudGVy\n\n\nMmh1bnRlcjI=\n"


def test_a_begun_secret_is_not_waited_for_over_endless_empty_lines() -> None:
    stream = Masker(["hunter2hunter2"]).stream()
    stream.feed(b"aHVudGVy")
    assert stream.feed(b"\n" * 3).startswith(b"aHVudGVy")


def test_nul_carriage_return_and_what_is_no_utf8_pass() -> None:
    masked = Masker(["hunter2"]).mask(b"a\x00b\rc\xff\xc3(\xe2\x82 hunter2\xed\xa0\x80\n")
    assert masked.decode() == "a\x00b\rc\ufffd\ufffd(\ufffd ******\ufffd\ufffd\ufffd\n"


def test_a_long_secret_is_masked() -> None:
    secret = "".join(f"{n:x}," for n in range(20000))
    assert Masker([secret]).mask(b"x" + secret.encode() + b"y") == b"x******y"


@pytest.mark.parametrize("cut", [1, 3, 4, 4095, 4096, 4097, 50_000, 90_000])
def test_a_very_long_secret_is_held_back_and_masked_when_it_comes_in_pieces(cut: int) -> None:
    secret = "".join(f"{n:x}," for n in range(20000)).encode()
    masker = Masker([secret.decode()])
    stream = masker.stream()
    assert stream.feed(b"x" * 5000 + secret[:cut]) == b"x" * 5000
    assert stream.feed(secret[cut:] + b"y") == b"******y"
    assert stream.feed(secret[:cut] + b"?") == secret[:cut] + b"?"


@pytest.mark.parametrize("printed", [8, 9, 30, 52])
def test_what_was_begun_when_the_output_ends_is_masked_where_it_tells_something(printed: int) -> None:
    secret = "correct horse\nbattery stäple, and so on and on and on"
    for form in (secret.encode(), secret.encode().hex().encode(), json.dumps(secret).encode()):
        stream = Masker([secret]).stream()
        begun = form.lstrip(b'"')[:printed]
        assert stream.feed(b"password: " + begun) == b"password: "
        assert stream.finish() == b"******"
    assert Masker([secret]).mask(b"password: correct") == b"password: correct"


def test_what_ends_within_a_character_of_a_secret_is_masked() -> None:
    secret = "correct hörse"
    assert Masker([secret]).mask(b"password: " + secret.encode()[:10]) == b"password: ******"
    assert Masker([secret]).mask(b"password: x" + b"\xc3") == "password: x\ufffd".encode()


def test_messages_are_masked() -> None:
    assert Masker(["hunter2"]).mask_text("bad password hunter2 für \udcff") == "bad password ****** für ?"


def test_without_secrets_text_passes_as_it_is() -> None:
    assert Masker([]).mask(b"plain ******\n") == b"plain ******\n"


def _searched(text: bytes, exact: Sequence[bytes], wrapped: Sequence[bytes]) -> bytes:
    """The rule as the shortest program that states it. At the end a mark can stand, and something for a character that
    was cut off.
    """
    text, mark = (text[:-1], b"\0") if text.endswith(b"\0") else (text, b"")
    whole = text.removesuffix("\ufffd".encode())
    patterns = [re.compile(re.escape(form)) for form in exact]
    patterns += [re.compile(rb"[\r\n]{0,2}".join(re.escape(bytes([byte])) for byte in form)) for form in wrapped]
    parts, place = [], 0
    while place < len(text):
        if _is_cut_off(whole[place:], exact, wrapped):
            parts.append(MASK)
            break
        ends = [match.end() for pattern in patterns if (match := pattern.match(text, place))]
        parts.append(MASK if ends else text[place : place + 1])
        place = max(ends, default=place + 1)
    return b"".join(parts) + mark


def _is_cut_off(rest: bytes, exact: Sequence[bytes], wrapped: Sequence[bytes]) -> bool:
    """Whether the end of an output is so much of a secret's beginning that it tells something."""
    if len(rest) < 8:
        return False
    plain = rest.replace(b"\r", b"").replace(b"\n", b"")
    is_wrapped = rest[0] not in b"\r\n" and not re.search(rb"[\r\n]{3}", rest)
    return any(form != rest and form.startswith(rest) for form in exact) or (
        is_wrapped and any(form != plain and form.startswith(plain) for form in wrapped)
    )
