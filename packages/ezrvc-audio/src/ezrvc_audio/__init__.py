"""Sound files in, clean single-speaker segments out; and finished mixes back."""
