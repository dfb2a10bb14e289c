"""The API over HTTP: one registry of procedures, and its wires."""
