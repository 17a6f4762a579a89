"""Explanations by shap, captum and the package's own importances."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import VotingRegressor

from sktsdl import LSTMRegressor, SlidingWindow
from sktsdl.inspection import channel_importance, integrated_gradients, lag_importance
from tests.ecosystem.models import TEST, TRAIN, WINDOW, X, Y, fitted, net, pipeline

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning",
    "ignore::DeprecationWarning",
    "ignore::PendingDeprecationWarning",
)


@pytest.fixture
def shap():
    return pytest.importorskip("shap")


@pytest.fixture
def rows():
    """Flattened windows of the training and of the test rows."""
    step = SlidingWindow(3, flatten=True, pad="edge").fit(X[TRAIN].to_numpy())
    return step.transform(X[TRAIN].to_numpy()), step.transform(X[TEST].to_numpy())


@pytest.mark.parametrize("kind", ["kernel", "permutation"])
def test_shap_of_predictions_is_additive(shap, rows, kind):
    train, test = rows
    model = net().fit(train, Y[TRAIN])
    if kind == "kernel":
        explainer = shap.KernelExplainer(model.predict, train[:10], silent=True)
        values = explainer.shap_values(test[:3], silent=True)
        base = explainer.expected_value
    else:
        explainer = shap.PermutationExplainer(model.predict, train[:10], seed=0)
        explanation = explainer(test[:3], silent=True)
        values, base = explanation.values, explanation.base_values
    assert values.shape == (3, 6)
    np.testing.assert_allclose(values.sum(axis=1) + base, model.predict(test[:3]))


@pytest.mark.parametrize("kind", ["DeepExplainer", "GradientExplainer"])
def test_shap_of_a_module(shap, kind):
    windows = SlidingWindow(WINDOW).fit_transform(X)[WINDOW:]
    model = net(standardize=False).fit(windows, Y[WINDOW:])
    x = torch.tensor(np.asarray(windows), dtype=torch.float32)
    explainer = getattr(shap, kind)(model.module_, x[:50])
    values = np.squeeze(explainer.shap_values(x[50:52]))
    assert values.shape == (2, WINDOW, 2)
    if kind == "DeepExplainer":
        forecasts = model.predict(windows)
        np.testing.assert_allclose(
            values.sum(axis=(1, 2)),
            forecasts[50:52] - forecasts[:50].mean(),
            atol=1e-5,
        )


@pytest.mark.filterwarnings("ignore:.*differ")
def test_integrated_gradients_by_captum():
    captum = pytest.importorskip("captum.attr")
    model = fitted(
        pipeline(LSTMRegressor(hidden_sizes=(4,), standardize=False, random_state=0))
    )
    windows = model[0].transform(X[TEST])
    x = torch.tensor(np.asarray(windows), dtype=torch.float32)
    method = captum.IntegratedGradients(model[1].module_)
    values = method.attribute(x, torch.zeros_like(x), target=0, n_steps=50)
    ours = integrated_gradients(model, X[TEST], baseline=0.0)
    np.testing.assert_allclose(values.numpy(), ours, atol=1e-5)


def test_importances_of_an_ensemble_of_nets():
    model = fitted(pipeline(VotingRegressor([("one", net()), ("two", net())])))
    for importance, n in ((channel_importance, 2), (lag_importance, WINDOW)):
        found = importance(model, X[TEST], Y[TEST], random_state=0, n_repeats=2)
        assert found.importances.shape == (n, 2)
        alone = importance(fitted(), X[TEST], Y[TEST], random_state=0, n_repeats=2)
        np.testing.assert_allclose(found.importances, alone.importances)
    with pytest.raises(TypeError, match="VotingRegressor"):
        integrated_gradients(model, X[TEST])
