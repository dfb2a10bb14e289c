"""Going back to what served before, for services of every kind."""
