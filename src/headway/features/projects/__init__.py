"""Projects and their environments: where applications and all that belongs to them lie."""
