"""SoVITS voices: the network, its training, conversion, checkpoints in and out."""
