"""The features of a panel, a folder each: what it keeps, does, brings and answers."""
