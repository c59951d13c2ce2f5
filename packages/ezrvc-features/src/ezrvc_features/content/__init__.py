"""What is said, without who says it: content encoders behind one protocol."""
