"""Deployments of all services, as a feature of the panel: what performs them lies in the core."""
