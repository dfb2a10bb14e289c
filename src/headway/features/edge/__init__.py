"""How services are reached: domains, middlewares and certificates."""
