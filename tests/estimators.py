"""Every public estimator, found in the package's own list."""

import inspect

import pytest
from sklearn.base import BaseEstimator

import sktsdl
from sktsdl._estimator.base import DeepRegressor

CLASSES = [
    member
    for member in map(vars(sktsdl).get, sktsdl.__all__)
    if inspect.isclass(member) and issubclass(member, BaseEstimator)
]
TAKE_WINDOWS = (DeepRegressor, sktsdl.MultiTaskNet)
every_estimator = pytest.mark.parametrize("cls", CLASSES)
every_net = pytest.mark.parametrize(
    "cls", [cls for cls in CLASSES if issubclass(cls, DeepRegressor)]
)
