"""Runs deployments: claims, follows, ends, stops and recovers them."""
