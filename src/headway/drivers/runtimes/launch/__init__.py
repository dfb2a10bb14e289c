"""What becomes a process of a release, or runs within it: begun by its path, with the standard library first."""
