"""The picture by which a telephone takes what is long to type: squares, which a template draws."""

from __future__ import annotations

_BORDER = 4  # squares that are left free around it, as the standard has it


def squares(text: str) -> tuple[str, int]:
    """The path of the dark squares of a QR code, for an SVG of so many squares a side."""
    import segno  # noqa: PLC0415 - it is loaded where somebody sets up a second factor, and nowhere else

    matrix = segno.make(text, error="m", micro=False).matrix
    path: list[str] = []
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            length = next((i for i in range(x, len(row)) if bool(row[i]) != bool(row[x])), len(row)) - x
            if row[x]:
                path.append(f"M{x + _BORDER} {y + _BORDER}h{length}v1h-{length}z")
            x += length
    return "".join(path), len(matrix) + 2 * _BORDER
