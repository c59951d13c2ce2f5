"""Features on disk: one set of files a clip, each with a record of what made it."""

from ezrvc_features.store.feature_store import FeatureStore
from ezrvc_features.store.record import Artefact, FeaturePlan, Recipe

__all__ = ["Artefact", "FeaturePlan", "FeatureStore", "Recipe"]
