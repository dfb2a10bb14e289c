"""How files become an artifact that can run."""
