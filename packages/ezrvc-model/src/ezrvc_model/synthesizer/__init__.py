"""The SoVITS network, from content, F0 and a speaker to samples."""
