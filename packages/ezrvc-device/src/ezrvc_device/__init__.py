"""Where am I running: accelerator, precision, storage folders, weights."""
