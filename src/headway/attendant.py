"""What is started on a server to keep applications up there: see ``seams.runtimes.afar``."""

from __future__ import annotations

from headway.infra.logs.mask import Masker
from headway.seams.runtimes.afar.attendant import attend


def main() -> None:
    """Answers the panel on standard input and output until that is gone."""
    attend(lambda secrets: Masker(secrets).mask_text)


if __name__ == "__main__":
    main()
