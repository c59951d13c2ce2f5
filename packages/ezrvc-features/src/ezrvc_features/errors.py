"""The error root of this package: one line that says what happened and what to do next."""


class FeatureError(Exception):
    """A feature cannot be computed, stored or found as asked; the message names the clip."""
