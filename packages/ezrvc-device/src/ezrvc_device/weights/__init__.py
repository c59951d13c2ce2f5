"""Weight files: where they come from, and one function that gives their path."""

from ezrvc_device.weights.fetching import (
    fetch,
    is_offline,
    list_hub_files,
    weights_folder,
    weights_path,
    weights_present,
)
from ezrvc_device.weights.hub import HubListing
from ezrvc_device.weights.spec import (
    UNVERIFIED,
    HubSource,
    LocalSource,
    PackageSource,
    Source,
    UrlSource,
    WeightSpec,
)

__all__ = [
    "UNVERIFIED",
    "HubListing",
    "HubSource",
    "LocalSource",
    "PackageSource",
    "Source",
    "UrlSource",
    "WeightSpec",
    "fetch",
    "is_offline",
    "list_hub_files",
    "weights_folder",
    "weights_path",
    "weights_present",
]
