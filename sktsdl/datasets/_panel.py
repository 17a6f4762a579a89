"""Sales of many shops."""

from math import pi
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state, check_scalar

EFFECTS = np.log([1.1, 1.3, 1.6])  # of a promotion in the shops of each kind
P_PROMO = 0.15


def make_panel(
    n_series: int = 5,
    n_rows: int = 120,
    *,
    period: int = 7,
    random_state: int | np.random.RandomState | None = None,
) -> pd.DataFrame:
    r"""Make the daily sales of many shops.

    .. math:: x_{i,t} = l_i \exp\left(b_i \frac{t}{n} + a_i \sin\left(
        \frac{2 \pi t}{p} + \varphi_i\right) + c_{k_i} z_{i,t} +
        \varepsilon_{i,t}\right), \quad \varepsilon_{i,t} \sim N(0, 0.1^2)

    for shop :math:`i` of kind :math:`k_i`, with a promotion (:math:`z_{i,t} = 1`) on
    15 percent of its days. Shops differ in level (:math:`l_i` from 10 to 10,000), trend
    (:math:`b_i` from -0.5 to 0.5) and season (:math:`a_i` from 0.1 to 0.4). A promotion
    multiplies sales by 1.1, 1.3 or 1.6, by the kind of the shop.

    Parameters
    ----------
    n_series : int, default=5
        The number of shops.
    n_rows : int, default=120
        The number :math:`n` of days of each shop, from 2024-01-01 on.
    period : int, default=7
        The number :math:`p` of days in a season.
    random_state : int, RandomState instance or None, default=None
        The seed or the generator of all that is random.

    Returns
    -------
    sales : DataFrame of shape (n_series * n_rows, 3)
        The columns ``units`` (positive), ``promo`` (0 or 1, known ahead) and ``kind``
        (0, 1 or 2, the same on all days of a shop). The index has the levels ``shop``
        and ``date``.

    Examples
    --------
    >>> from sktsdl.datasets import make_panel
    >>> sales = make_panel(n_series=3, n_rows=60, random_state=0)
    >>> sales.shape, sales.index.names
    ((180, 3), FrozenList(['shop', 'date']))
    >>> sales.loc["shop 1", "kind"].nunique()
    1
    """
    check_scalar(n_series, "n_series", Integral, min_val=1)
    check_scalar(n_rows, "n_rows", Integral, min_val=1)
    check_scalar(period, "period", Integral, min_val=1)
    rng = check_random_state(random_state)
    low, high = np.log(10), np.log(10_000)
    level, trend, swing, phase = rng.uniform(
        [low, -0.5, 0.1, 0], [high, 0.5, 0.4, 2 * pi], size=(n_series, 4)
    ).T[:, :, None]
    kind = rng.randint(len(EFFECTS), size=(n_series, 1))
    promo = (rng.uniform(size=(n_series, n_rows)) < P_PROMO).astype(int)
    noise = 0.1 * rng.standard_normal((n_series, n_rows))
    t = np.arange(n_rows)
    season = swing * np.sin(2 * pi * t / period + phase)
    units = np.exp(level + trend * t / n_rows + season + EFFECTS[kind] * promo + noise)
    width = len(str(n_series - 1))
    shops = [f"shop {i:0{width}}" for i in range(n_series)]
    days = pd.date_range("2024-01-01", periods=n_rows, freq="D")
    columns = {"units": units, "promo": promo, "kind": np.repeat(kind, n_rows, axis=1)}
    return pd.DataFrame(
        {name: values.ravel() for name, values in columns.items()},
        index=pd.MultiIndex.from_product([shops, days], names=["shop", "date"]),
    )
