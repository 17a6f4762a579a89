"""What each value of a window adds to a net's answer."""

import warnings
from numbers import Integral
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_array, check_scalar
from torch import Tensor

from sktsdl._estimator.scaling import Standardizer
from sktsdl._training.batches import evaluate_in_blocks
from sktsdl.inspection._windows import to_net

EVALUATED_AT_ONCE = 1024
TOLERANCE = 1e-2
ROUNDING = 1e-5


def integrated_gradients(
    estimator: Any,
    X: Any,
    *,
    baseline: Any = None,
    n_steps: int = 50,
    target: int = 0,
) -> np.ndarray:
    r"""Attribute a net's answer to the values of each window [1]_.

    .. math::

        a_{s,c} = (x_{s,c} - b_{s,c}) \int_0^1
        \frac{\partial f(b + \alpha (x - b))}{\partial x_{s,c}} \, d\alpha

    with :math:`f` one output of the net, :math:`x` the window and :math:`b` the
    baseline. The attributions of a window sum to :math:`f(x) - f(b)`.

    Parameters
    ----------
    estimator : net, Pipeline, PurgedRegressor or search
        A fitted net, or what ends in one; `X` goes through the steps before it.
    X : array-like
        As for ``estimator.predict``. Windows that start with NaN are filled as there.
    baseline : array-like or None, default=None
        What a window is compared with, broadcastable to ``(window, channels)``, in the
        units of the net's input. None is the training mean of each channel.
    n_steps : int, default=50
        The number of points of the integral (Gauss-Legendre).
    target : int, default=0
        The output that is explained, such as the step of the horizon, counted from 0.

    Returns
    -------
    attributions : ndarray of shape (n, window, channels), float64
        In the units of `y`. Those of a window depend on no other window.

    Raises
    ------
    ImportError
        If captum is missing.
    TypeError
        If `estimator` does not end in a net.
    ValueError
        If the net has coded channels, between whose codes there is nothing to
        integrate over, or if `X` or a parameter cannot be used.

    Warns
    -----
    UserWarning
        If the sum of the attributions misses the difference of the answers by more
        than 1 % of what is attributed, as with too few steps.

    References
    ----------
    .. [1] M. Sundararajan, A. Taly and Q. Yan (2017). Axiomatic Attribution for Deep
       Networks. ICML.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
    >>> from sktsdl.datasets import load_air_passengers
    >>> from sktsdl.inspection import integrated_gradients
    >>> X, y, X_latest = make_supervised(load_air_passengers(), target="passengers")
    >>> net = LSTMRegressor(hidden_sizes=(4,), max_epochs=5, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(12), net).fit(X, y)
    >>> integrated_gradients(pipe, X_latest).shape
    (1, 12, 1)
    """
    try:
        from captum.attr import IntegratedGradients
    except ImportError as error:
        raise ImportError(
            "integrated_gradients needs captum, which is not installed: pip install "
            '"sktsdl[explain]".'
        ) from error
    net, X = to_net(estimator, X)
    standardizer = net._standardizer
    check_scalar(n_steps, "n_steps", Integral, min_val=1)
    check_scalar(target, "target", Integral, min_val=0, max_val=net._n_outputs - 1)
    if standardizer.categories:
        raise ValueError(
            f"Channel {standardizer.categories[0]} is in categorical_features, and "
            "there is nothing to integrate over between codes: use "
            "channel_importance, or train on one-hot columns."
        )
    start = _baseline(baseline, standardizer, net._window)
    dataset = net._windows_as_seen(X)
    start = start.to(dataset.rows.device)
    scale = standardizer.outputs.scale_
    unit = 1.0 if scale is None else float(scale[target])

    def answer(windows: Tensor) -> Tensor:
        return net._outputs.pick(net.module_(windows), target) * unit

    explainer = IntegratedGradients(answer)

    def explain(block: Tensor) -> Tensor:
        part, gap = explainer.attribute(
            block, start, n_steps=n_steps, return_convergence_delta=True
        )
        return torch.cat([part.flatten(1), gap[:, None]], dim=1).detach()

    # cuDNN has no backward pass of recurrent layers outside of training.
    with torch.backends.cudnn.flags(enabled=False):
        size = max(1, EVALUATED_AT_ONCE // n_steps)
        explained = evaluate_in_blocks(explain, dataset, size).cpu().double().numpy()
    attributions = explained[:, :-1].reshape(-1, *net._window_shape)
    gap = float(np.abs(explained[:, -1]).max())
    largest = np.abs(attributions).sum(axis=(1, 2)).max()
    if gap > TOLERANCE * largest + ROUNDING * unit:
        warnings.warn(
            f"The attributions of a window miss the difference of its answers by "
            f"{gap:.2g}: raise n_steps={n_steps}, or give another baseline.",
            UserWarning,
            stacklevel=2,
        )
    return attributions


def _baseline(baseline: Any, standardizer: Standardizer, window: int) -> Tensor:
    """Return the baseline as the module sees it, (1, window, channels)."""
    values = standardizer.mean
    if baseline is not None:
        values = check_array(
            baseline,
            dtype=np.float64,
            ensure_2d=False,
            ensure_min_samples=0,
            input_name="baseline",
        )
    shape = window, standardizer.n_channels
    try:
        rows = np.broadcast_to(values, shape)
    except ValueError as error:
        raise ValueError(
            f"baseline has shape {values.shape}, which does not fit (window, "
            f"channels) = {shape}: give one value, one for each channel, or all."
        ) from error
    return torch.from_numpy(standardizer.transform(rows))[None]
