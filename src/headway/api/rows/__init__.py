"""The shapes of what goes out, by the names of the wire."""
