"""What masking costs: 100 MB of build output, with no, few and many secrets, and the short pieces of a live log."""

from __future__ import annotations

import random
import string
import time

from headway.infra.logs.mask import Masker

_CHUNK = 256 << 10
_LIVE_LINE = b"#12 3.141 Collecting package-of-some-name (from -r requirements.txt (line 12)) ... done, 100 bytes\n"


def main() -> None:
    """Prints one line for each number of secrets."""
    chance = random.Random(1)
    output = _output(chance, 20_000_000)
    for count in (0, 1, 10, 50):
        secrets = [_secret(chance) for _ in range(count)]
        begin = time.perf_counter()
        masker = Masker(secrets)
        compiled = time.perf_counter() - begin
        stream = masker.stream()
        begin = time.perf_counter()
        masked = sum(len(stream.feed(output[at : at + _CHUNK])) for at in range(0, len(output), _CHUNK))
        took = time.perf_counter() - begin
        begin = time.perf_counter()
        for _ in range(1000):
            stream.feed(_LIVE_LINE)
        line = (time.perf_counter() - begin) / 1000
        forms = len(masker.variants.exact) + len(masker.variants.wrapped)
        assert masked > len(output) * 0.99
        print(
            f"{count:3} secrets, {forms:4} forms: compiled in {compiled * 1e3:5.1f} ms, "
            f"100 MB in {took * 1e8 / len(output):4.2f} s, a line in {line * 1e6:4.1f} µs"
        )


def _output(chance: random.Random, size: int) -> bytes:
    words = ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(2, 9))) for _ in range(3000)]
    lines = [" ".join(chance.choices(words, k=12)) + f" {chance.random()} ok\n" for _ in range(20_000)]
    text = "".join(lines).encode()
    return (text * (size // len(text) + 1))[:size]


def _secret(chance: random.Random) -> str:
    return "".join(chance.choices(string.ascii_letters + string.digits, k=chance.randint(12, 40)))


if __name__ == "__main__":
    main()
