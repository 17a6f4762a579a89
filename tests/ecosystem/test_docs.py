"""What the page on other packages shows runs."""

import re

import numpy as np
import pytest
from matplotlib import pyplot as plt

from tests.pages import ROOT, python_blocks, read

PAGE = read(ROOT / "docs" / "ecosystem.md")
SETUP, *PARTS = re.split(r"^## (.*)$", PAGE, flags=re.MULTILINE)
SECTIONS = {
    title: python_blocks(text)
    for title, text in zip(PARTS[::2], PARTS[1::2], strict=True)
    if python_blocks(text)
}

# What the other packages warn of.
pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning",
    "ignore::DeprecationWarning",
    "ignore::PendingDeprecationWarning",
    "ignore::ResourceWarning",
    "ignore:X does not have valid feature names",
    "ignore:.*:UserWarning:(mlflow|torch|numba|shap|alembic).*",
)


def run(title):
    """Run the blocks of a section after the lines that all of them share."""
    names = {"__name__": "examples"}
    try:
        for block in python_blocks(SETUP) + SECTIONS[title]:
            exec(compile(block, "ecosystem.md", "exec"), names)
    except ModuleNotFoundError as error:
        pytest.skip(f"{error.name} is not installed")
    finally:
        plt.close("all")
    return names


def check_scikit_learn(names):
    assert names["forecasts"].shape == (35,)
    assert len(names["bagging"].estimators_) == 3


def check_features(names):
    row = names["X"][names["test"]][:1]
    (mean,) = names["with_mean"][0].transform(row)["passengers_window_12_mean"]
    assert mean == names["X"]["passengers"][96:108].mean()
    assert names["forecasts"].shape == (35,)


def check_forecasters(names):
    assert np.isfinite(names["year"]["LSTM"]).all()
    steps = {
        "recursive": names["recursive"].predict(2),
        "reduction": names["reduction"].predict(X=names["month"][-1:].shift(freq="MS")),
        "windows": names["windows"].predict(),
    }
    for forecast in steps.values():
        assert str(forecast.index[0])[:7] == "1961-01"
        assert np.isfinite(forecast).all()
    assert np.isfinite(names["model"].predict(1).values()).all()


def check_intervals(names):
    assert (names["lower"] < names["upper"]).all()
    assert names["ends"].shape == (47, 2, 1)
    assert names["forecasts"].shape == (47,)


def check_explanations(names):
    predictions = names["net"].predict(names["rows"][-2:])
    np.testing.assert_allclose(names["sums"], predictions)


def check_files_registries_and_other_runtimes(names):
    assert names["logged_forecasts"].shape == (35,)


def check_data(names):
    assert str(names["X"].index[-1])[:7] == "1960-11"
    assert len(names["X"]) == 143


def check_of(title):
    return globals()["check_" + re.sub(r"\W+", "_", title.lower())]


@pytest.mark.parametrize("title", SECTIONS)
def test_the_examples_of_a_section_run(title, tmp_path, monkeypatch, mlflow_uri):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    check_of(title)(run(title))
