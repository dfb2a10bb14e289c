"""The heart: deployments, the engine that runs them, and who may do what; it knows no feature."""
