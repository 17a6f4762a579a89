"""Estimators around estimators."""

from sktsdl.compose._classifier import NetClassifier
from sktsdl.compose._conformal import ConformalRegressor
from sktsdl.compose._multitask import MultiTaskNet
from sktsdl.compose._purged import PurgedRegressor
from sktsdl.compose._relative_target import RelativeTargetRegressor
from sktsdl.compose._seed_ensemble import SeedEnsemble

__all__ = [
    "ConformalRegressor",
    "MultiTaskNet",
    "NetClassifier",
    "PurgedRegressor",
    "RelativeTargetRegressor",
    "SeedEnsemble",
]
