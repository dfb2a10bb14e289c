"""How people may write numbers, times and sizes, and that what is written back is read the same."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.kernel.errors import InvalidInput
from headway.kernel.forms import addresses, duration, duration_text, size, size_text, whole


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("1.5 m", 90), ("2H", 7200), ("1d", 86400), ("20ms", 0.02), ("0", 0)]
)
def test_times(text: str, seconds: float) -> None:
    assert duration(0).parse(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "-1", "1e3", "1 week", "s", "1,5s", "inf", "nan", "99999999d", "½h", "1s\n"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=rf"^{re.escape(text)}\Z"):
        duration(0).parse(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("7b", 7), ("64K", 64 << 10), ("512 MiB", 512 << 20), ("2gb", 2 << 30), ("1T", 1 << 40)],
)
def test_sizes(text: str, number: int) -> None:
    assert size(0).parse(text) == number


@pytest.mark.parametrize("text", ["", "-1", "1.5G", "1X", "G", "ib", "1iB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=rf"^{re.escape(text)}\Z"):
        size(0).parse(text)


@pytest.mark.parametrize("text", ["", "+1", "1.0", "1_000", "0x10", "9" * 400])
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(ValueError, match=rf"^{re.escape(text)}\Z"):
        whole(0).parse(text)


@given(st.integers(0, 10**15) | st.integers(0, 10**6).map(lambda number: number << 20))
def test_a_size_that_is_written_is_read_the_same(number: int) -> None:
    assert size(0).parse(size_text(number)) == number


@given(st.integers(0, 9_999_999).map(lambda seconds: timedelta(seconds=seconds / 4)))
def test_a_time_that_is_written_is_read_the_same(value: timedelta) -> None:
    assert duration(0).parse(duration_text(value)) == value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.0.0.5", "10.0.0.5"),
        ("10.0.0.0/24, fd00::1", "10.0.0.0/24,fd00::1"),
        ("10.0.0.0/8,fc00::/7", "10.0.0.0/8,fc00::/7"),
    ],
)
def test_addresses(text: str, found: str) -> None:
    assert addresses().parse(text) == found
    assert addresses().parse(found) == found


@pytest.mark.parametrize("text", ["", "proxy", "10.0.0.5/24", "10.0.0.5 10.0.0.6", "10.0.0.5,", "10.0.0.256"])
def test_what_are_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        addresses().parse(text)


@pytest.mark.parametrize("everyone", ["0.0.0.0/0", "::/0", "0.0.0.0/1", "2000::/3", "10.0.0.5, 0.0.0.0/0"])
def test_a_network_that_is_everyone_is_refused_with_what_to_write_instead(everyone: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        addresses().read(everyone, "HEADWAY_PROXIES")
    assert refused.value.message.startswith(f"HEADWAY_PROXIES: {everyone.rpartition(' ')[2]} is anybody")
    assert "such as 10.0.0.5, or a network that nobody but proxies is in" in refused.value.message
