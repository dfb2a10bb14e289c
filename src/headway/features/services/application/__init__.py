"""The application: what is deployed from a source, built, released and reached."""
