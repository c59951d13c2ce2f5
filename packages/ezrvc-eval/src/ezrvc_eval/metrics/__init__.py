"""The metrics: what they are (`catalogue`), how they are loaded (`registry`), a file a family."""
