"""Models that other programs made, read safely and accounted for tensor by tensor."""
