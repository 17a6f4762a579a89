"""The seasonal naive forecast."""

import numpy as np
import pytest

from sktsdl import SeasonalNaiveRegressor, make_supervised
from tests.series import levels


@pytest.mark.parametrize("period", [1, 3, 7])
@pytest.mark.parametrize("horizon", [1, 5, 10])
@pytest.mark.parametrize("as_frame", [True, False])
def test_the_value_one_period_before(period, horizon, as_frame):
    data = levels(100)[0] if as_frame else levels(100)[0].to_numpy()
    target = "bus" if as_frame else 1
    X, y, X_latest = make_supervised(data, target=target, horizon=horizon)
    bus = levels(100)[0]["bus"].to_numpy()
    naive = SeasonalNaiveRegressor(period, column=target).fit(X[:60], y[:60])
    seen = np.vstack([naive.predict(X[60:61]).reshape(1, -1),
                      naive.predict(X[60:]).reshape(-1, horizon)[1:],
                      ])  # fmt: skip
    for row, predicted in enumerate(seen, start=60):
        for step, value in enumerate(predicted, start=1):
            source = row + step
            while source > row:
                source -= period
            assert value == bus[source]
    assert len(X_latest) == horizon


def test_the_first_rows_get_the_earliest_value():
    X = np.arange(10.0)[:, None]
    naive = SeasonalNaiveRegressor(4).fit(X, X.ravel())
    np.testing.assert_array_equal(naive.predict(X)[:5], [0, 0, 0, 0, 1])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"period": 0}, "period == 0, must be >= 1"),
        ({"period": 61}, "60 rows .* fewer than period=61"),
        ({"column": "tram"}, "column='tram' is not a column of X"),
    ],
)
def test_bad_parameters(params, message):
    X, y = levels()
    with pytest.raises(ValueError, match=message):
        SeasonalNaiveRegressor(**params).fit(X, y)
