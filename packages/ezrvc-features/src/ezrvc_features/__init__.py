"""Content, pitch, loudness and spectrogram of a waveform; the feature store."""
