"""A sine with noise."""

from math import pi
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state, check_scalar


def make_sinusoid(
    n_samples: int = 1000,
    *,
    period: float = 10 * pi,
    noise: float = 0.1,
    random_state: int | np.random.RandomState | None = None,
) -> pd.DataFrame:
    r"""Make a sine with Gaussian noise.

    .. math:: x(t) = \sin(2 \pi t / p) + \varepsilon, \quad
        \varepsilon \sim N(0, \sigma^2)

    Parameters
    ----------
    n_samples : int, default=1000
        The number of rows. Their times `t` are evenly spaced from 0 to 100.
    period : float, default=10*pi
        The period :math:`p`, in the units of `t`.
    noise : float, default=0.1
        The standard deviation :math:`\sigma` of the noise.
    random_state : int, RandomState instance or None, default=None
        The seed or the generator of the noise.

    Returns
    -------
    series : DataFrame of shape (n_samples, 1)
        The column ``value``; the index is `t`.

    Examples
    --------
    >>> from sktsdl.datasets import make_sinusoid
    >>> make_sinusoid(5, period=100, noise=0)["value"].round(3).tolist()
    [0.0, 1.0, 0.0, -1.0, -0.0]
    """
    check_scalar(n_samples, "n_samples", Integral, min_val=1)
    check_scalar(period, "period", Real, min_val=0, include_boundaries="neither")
    check_scalar(noise, "noise", Real, min_val=0)
    t = np.linspace(0, 100, n_samples)
    error = noise * check_random_state(random_state).standard_normal(n_samples)
    index = pd.Index(t, name="t")
    return pd.DataFrame({"value": np.sin(2 * pi * t / period) + error}, index=index)
