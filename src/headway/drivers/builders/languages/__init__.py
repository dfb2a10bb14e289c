"""What each language's applications look like, and how they are installed and started."""
