"""Releases as services of a Docker swarm, on however many machines it has."""
