"""The error root of this package: one line that says what happened and what to do next."""


class AudioError(Exception):
    """Sound that cannot be read, written or used as asked; the message names the file."""
