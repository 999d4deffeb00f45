"""Reading: from data files to checked rows, in bounded memory, for every step that reads files."""
