"""How each sender writes what it tells: one file for each, all of them pure."""
