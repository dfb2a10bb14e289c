"""Where the files of an application come from."""
