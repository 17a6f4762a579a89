"""Small nets that train quickly, and the rows that they train on."""

import numpy as np
import pytest

from sktsdl import LSTMRegressor, TCNRegressor, TransformerRegressor

_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(100, 5, 2))  # windows
Y = X[:, -1, 0] + 0.1 * _RNG.normal(size=100)
NOISE = _RNG.normal(size=100)  # a target that no window predicts

SMALL = {
    LSTMRegressor: {"hidden_sizes": (4,)},
    TCNRegressor: {"channels": (4, 4)},
    TransformerRegressor: {"d_model": 4, "nhead": 2, "dim_feedforward": 8},
}


def net_fixture(sizes=SMALL, **defaults):
    """Return a fixture that constructs a net of each class in `sizes`.

    The fixture's value is a function: it takes further parameters.
    """

    @pytest.fixture(params=sizes, ids=lambda cls: cls.__name__)
    def net(request):
        cls = request.param
        params = {"max_epochs": 3, "random_state": 0} | defaults | sizes[cls]
        return lambda **changed: cls(**params | changed)

    return net


def lstm(**params):
    """Construct a small LSTM."""
    return LSTMRegressor(
        **{"hidden_sizes": (4,), "max_epochs": 3, "random_state": 0} | params
    )
