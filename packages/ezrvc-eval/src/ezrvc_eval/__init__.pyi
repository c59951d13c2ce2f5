"""The public names, for type checkers and for the lazy loader alike."""
