"""A page to browse the API with, made on the panel from its own description, that loads nothing from elsewhere."""
