"""How an artifact is released, kept alive and found healthy."""
