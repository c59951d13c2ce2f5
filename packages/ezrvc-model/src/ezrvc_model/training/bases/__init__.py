"""Starting training from something that has been trained: what fits is taken, the rest reported."""
