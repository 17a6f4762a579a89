"""Every public estimator: how tests find it, construct it, and get its output."""

import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, is_classifier, is_regressor
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer

import sktsdl
from sktsdl._estimator.regressor import DeepRegressor

CLASSES = [
    member
    for member in map(vars(sktsdl).get, sktsdl.__all__)
    if inspect.isclass(member) and issubclass(member, BaseEstimator)
]
# The ensemble is one of nets, see `REQUIRED`.
NETS = (
    DeepRegressor,
    sktsdl.MultiTaskNet,
    sktsdl.NetClassifier,
    sktsdl.SeedEnsemble,
)
TAKE_WINDOWS = (*NETS, sktsdl.MiniRocket)
# These leave the values of X to the regressor inside.
PASS_X_ON = (sktsdl.ConformalRegressor, sktsdl.PurgedRegressor)

every_estimator = pytest.mark.parametrize("cls", CLASSES)
every_net = pytest.mark.parametrize(
    "cls", [cls for cls in CLASSES if issubclass(cls, DeepRegressor)]
)

NET = sktsdl.LSTMRegressor(hidden_sizes=(4,), max_epochs=2, random_state=0)
REQUIRED = {
    "regressor": Ridge(),
    "transformer": FunctionTransformer(),
    "n_rows": 3,
    "net": NET,
    "estimator": NET,
}


def make(cls, **params):
    """Construct `cls` with its defaults and a seed, but few epochs or members."""
    signature = inspect.signature(cls).parameters
    if cls is sktsdl.NetClassifier:
        params.setdefault("regressor", NET)
    for name, parameter in signature.items():
        if parameter.default is parameter.empty:
            params.setdefault(name, REQUIRED[name])
    if issubclass(cls, DeepRegressor):
        params = {"max_epochs": 2, "random_state": 0} | params
    if cls is sktsdl.SeedEnsemble:
        params = {"n_estimators": 2, "random_state": 0} | params
    if cls is sktsdl.MiniRocket:
        params = {"n_kernels": 168, "random_state": 0} | params
    return cls(**params)


def small(cls):
    """Construct `cls` with a short window or period, if it has one.

    If it is relative to a column, it is relative to the season, which looks back.
    """
    names = inspect.signature(cls).parameters
    sizes = {"window": 4, "period": 3, "hidden_sizes": (4,), "relation": "seasonal"}
    return make(cls, **{name: sizes[name] for name in sizes if name in names})


def output(estimator, X):
    """Predict, also probabilities, or transform, as an array."""
    name = "predict" if is_regressor(estimator) else "transform"
    name = "predict_proba" if is_classifier(estimator) else name
    return np.asarray(getattr(estimator, name)(X))


def target_for(cls, y):
    """Return `y` as `cls` is fitted to it: as labels, if it is a classifier."""
    if not issubclass(cls, ClassifierMixin):
        return y
    values = np.asarray(y, dtype=float)
    labels = np.where(values > np.median(values), "high", "low").astype(object)
    if isinstance(y, pd.DataFrame):
        return pd.Series(labels[:, 0], y.index, name=y.columns[0])
    return pd.Series(labels, y.index) if isinstance(y, pd.Series) else labels


def forbid_pickle(monkeypatch):
    """Raise an error wherever a pickle is read."""

    def refuse(*args, **kwargs):
        raise AssertionError

    for name in ("pickle.load", "pickle.loads", "pickle.Unpickler", "torch.load"):
        monkeypatch.setattr(name, refuse)
