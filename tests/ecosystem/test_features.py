"""Feature engineering of other packages before the windows."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from sktsdl import WithHistory
from tests.ecosystem.models import TEST, TRAIN, X, Y, fitted, net, pipeline

DATED = X.assign(date=X.index)
CODED = X.assign(day=X.index.day_name().str[:3])


def predicts_alike_one_by_one(model, rows):
    """Fit, and check that a row has its history however many rows are given."""
    model.fit(rows[TRAIN], Y[TRAIN])
    together = model.predict(rows[TEST])
    assert np.isfinite(together).all()
    np.testing.assert_array_equal(model.predict(rows[TEST][:1]), together[:1])
    return model


# feature-engine


def test_calendar_features():
    datetime = pytest.importorskip("feature_engine.datetime")
    creation = pytest.importorskip("feature_engine.creation")
    calendar = datetime.DatetimeFeatures(
        variables="date", features_to_extract=["day_of_week"]
    )
    cyclical = creation.CyclicalFeatures(
        variables=["date_day_of_week"], max_values={"date_day_of_week": 7}
    )
    model = make_pipeline(calendar, cyclical, pipeline())
    predicts_alike_one_by_one(model, DATED)
    features = model[:-1].transform(DATED[TEST])
    expected = np.sin(2 * np.pi * X[TEST].index.dayofweek / 7)
    np.testing.assert_allclose(features["date_day_of_week_sin"], expected)


@pytest.mark.parametrize("kind", ["LagFeatures", "WindowFeatures"])
def test_lags_and_rolling_features_with_their_history(kind):
    forecasting = pytest.importorskip("feature_engine.timeseries.forecasting")
    if kind == "LagFeatures":
        features = forecasting.LagFeatures(variables="rail", periods=[1, 7])
        name, expected = "rail_lag_7", X["rail"].shift(7)
    else:
        features = forecasting.WindowFeatures(
            variables="rail", window=7, functions=["mean"]
        )
        name, expected = "rail_window_7_mean", X["rail"].rolling(7).mean().shift(1)
    model = make_pipeline(WithHistory(features, n_rows=7), pipeline())
    predicts_alike_one_by_one(model, X)
    step = model[0]
    np.testing.assert_allclose(step.transform(X[TEST])[name], expected[TEST])


def test_one_hot_codes():
    encoding = pytest.importorskip("feature_engine.encoding")
    codes = encoding.OneHotEncoder(variables=["day"])
    model = predicts_alike_one_by_one(make_pipeline(codes, pipeline()), CODED)
    assert model[-1].n_features_in_ == 2 + 7


# category_encoders


@pytest.mark.parametrize("kind", ["OrdinalEncoder", "OneHotEncoder", "TargetEncoder"])
def test_encoders_of_categories(kind):
    encoders = pytest.importorskip("category_encoders")
    encoder = getattr(encoders, kind)(cols=["day"])
    names = {"categorical_features": ["day"]} if kind == "OrdinalEncoder" else {}
    model = make_pipeline(encoder, pipeline(net(**names)))
    predicts_alike_one_by_one(model, CODED)


# skrub


@pytest.fixture
def skrub():
    return pytest.importorskip("skrub")


@pytest.mark.parametrize("rows", [DATED, CODED], ids=["dates", "text"])
def test_a_table_vectorizer_keeps_the_index(skrub, rows):
    model = make_pipeline(skrub.TableVectorizer(), pipeline())
    predicts_alike_one_by_one(model, rows)
    assert model[0].transform(rows[TEST]).index.equals(X[TEST].index)


def test_tabular_pipeline(skrub):
    model = skrub.tabular_pipeline(pipeline())
    predicts_alike_one_by_one(model, CODED)


def test_data_ops_apply_a_whole_pipeline(skrub):
    rows, target = skrub.X(X[TRAIN]), skrub.y(Y[TRAIN])
    learner = rows.skb.apply(pipeline(), y=target).skb.make_learner()
    learner.fit({"X": X[TRAIN], "y": Y[TRAIN]})
    forecasts = learner.predict({"X": X[TEST]})
    np.testing.assert_array_equal(forecasts, fitted().predict(X[TEST]))
