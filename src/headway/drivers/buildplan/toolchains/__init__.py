"""Languages and package managers at the version that a repository asks for."""
