"""Projects and their environments, in which applications live."""
