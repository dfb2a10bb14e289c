"""How an artifact is released, kept alive, found healthy and reached."""
