"""Ways of doing that can be exchanged: sources, builders and runtimes."""
