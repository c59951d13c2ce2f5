"""Training data: clips with their features, drawn in a fixed order and laid together in batches."""
