"""The error root of this package: one line that says what happened and what to do next."""


class DeviceError(Exception):
    """Where ezrvc runs is not as asked: device, folder, weights or configuration."""


class ConfigurationError(DeviceError):
    """A configuration holds an unknown key or a value that is not allowed."""


class WeightsError(DeviceError):
    """A weight file is missing, damaged, or cannot be fetched."""
