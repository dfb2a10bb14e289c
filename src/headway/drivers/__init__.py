"""Ways of doing that can be exchanged: sources, builders, runtimes and the edge."""
