"""The ezrvc command: preprocess, train, convert."""
