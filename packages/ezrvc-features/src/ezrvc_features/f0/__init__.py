"""Fundamental frequency: estimators behind one protocol, and what is done with their curves."""
