"""Frames to samples: HiFi-GAN with and without a sine source."""
