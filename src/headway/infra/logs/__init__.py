"""Logs of deployments: taken from the spool, made valid text, masked, kept and handed to followers."""
