"""Warnings point at the line of the user's script."""

import runpy
import warnings

import pytest

SCRIPT = """
import numpy as np, pandas as pd
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sktsdl import *
from sktsdl.inspection import integrated_gradients

days = pd.date_range("2020", periods=60)
X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), index=days)
y = np.arange(60.0)
later = X.set_axis(days + pd.Timedelta("99D"))
with_gap = X.index.delete(slice(20, 25))
net = WindowMLPRegressor(max_epochs=1)
pipe = make_pipeline(SlidingWindow(3), net)
naive = SeasonalNaiveRegressor(2)
{fit}
def step():
    {statement}
step()
"""

STATEMENTS = {
    "make_supervised": ("", "make_supervised(X.loc[with_gap], target=0)"),
    "fit of a step": ("", "SlidingWindow(3).fit(X.loc[with_gap])"),
    "transform": ("pipe.fit(X, y)", "pipe[0].transform(later)"),
    "predict of a pipeline": ("pipe.fit(X, y)", "pipe.predict(later)"),
    "the seasonal naive": ("naive.fit(X, y)", "naive.predict(later)"),
    "a search": (
        "",
        "GridSearchCV(pipe, {}, cv=TimeSeriesSplit(2)).fit(X.loc[with_gap], y[:55])",
    ),
    "a conformal regressor": (
        "model = ConformalRegressor(pipe).fit(X, y)",
        "model.predict_interval(later)",
    ),
    "rows in place of windows": ("", "net.fit(X, y)"),
    "a warm start": (
        "net.set_params(warm_start=True).fit(X.to_numpy(), y)",
        "net.fit(X.to_numpy(), y)",
    ),
    "partial_fit": (
        "net.set_params(lr_schedule='cosine').partial_fit(X.to_numpy(), y)",
        "net.partial_fit(X.to_numpy(), y)",
    ),
    "attributions": (
        "net.set_params(max_epochs=50, lr=0.1).fit(X.to_numpy(), y)",
        "integrated_gradients(net, X.to_numpy() * 9, n_steps=1)",
    ),
}


@pytest.mark.parametrize("what", STATEMENTS)
def test_a_warning_names_the_line_of_the_script(what, tmp_path):
    fit, statement = STATEMENTS[what]
    path = tmp_path / "script.py"
    content = SCRIPT.replace("{fit}", fit).replace("{statement}", statement)
    path.write_text(content)
    line = 1 + content.splitlines().index(f"    {statement}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        runpy.run_path(str(path))
    assert {(w.filename, w.lineno) for w in caught} == {(str(path), line)}
