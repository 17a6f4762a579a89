"""A series, a net and a pipeline that the tests of all packages share."""

from sklearn.pipeline import make_pipeline

from sktsdl import SlidingWindow, WindowMLPRegressor
from tests.series import levels

X, Y = levels(n=120)  # channels "rail" and "bus", daily; `Y` is the next "rail"
TRAIN, TEST = slice(0, 90), slice(90, 120)
WINDOW = 6


def net(**params):
    """Construct a net that trains in milliseconds."""
    small = {"hidden_sizes": (8,), "max_epochs": 3, "lr": 1e-2, "random_state": 0}
    return WindowMLPRegressor(**small | params)


def pipeline(*steps):
    """Construct windows before `steps`, or before a small net."""
    return make_pipeline(SlidingWindow(WINDOW), *(steps or [net()]))


def flat():
    """Construct windows as rows of a table, without NaN."""
    return SlidingWindow(WINDOW, flatten=True, pad="edge")


def fitted(model=None):
    """Fit a pipeline to the training rows."""
    return (model or pipeline()).fit(X[TRAIN], Y[TRAIN])
