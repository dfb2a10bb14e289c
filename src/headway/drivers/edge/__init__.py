"""The edge: how applications and compose services are reached from outside, through Traefik."""
