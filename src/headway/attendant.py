"""What is started on a server to keep applications up there: see ``drivers.runtimes.remote``."""

from __future__ import annotations

from headway.drivers.runtimes.remote.attendant import attend
from headway.infra.logs.mask import Masker


def main() -> None:
    """Answers the panel on standard input and output until that is gone."""
    attend(lambda secrets: Masker(secrets).mask_text)


if __name__ == "__main__":
    main()
