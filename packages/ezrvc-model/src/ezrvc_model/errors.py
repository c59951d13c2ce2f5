"""The error root of this package: one line that says what happened and what to do next."""


class ModelError(Exception):
    """A voice cannot be built, trained, loaded, saved or used as asked."""
