"""Networks that tell real audio from made audio, behind one checked contract."""
