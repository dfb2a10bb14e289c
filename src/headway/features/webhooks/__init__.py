"""Webhooks: what forges and registries tell, kept, judged, and turned into deployments."""
