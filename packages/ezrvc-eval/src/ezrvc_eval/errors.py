"""The error root of this package: one line that says what happened and what to do next."""


class EvalError(Exception):
    """Recordings cannot be evaluated as asked."""


class MissingWeightsError(EvalError):
    """A metric's weights are not here; the message says how to get them."""
