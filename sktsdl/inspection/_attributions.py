"""What each value of a window adds to a net's prediction."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_scalar
from torch import Tensor

from sktsdl._estimator.evaluating import TOO_LARGE
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._estimator.scaling import ChannelScaling
from sktsdl._sklearn.docs import fill_docs
from sktsdl._sklearn.warnings import warn
from sktsdl._training.blocks import evaluate_in_blocks
from sktsdl._training.device import explained_memory_errors, own_torch_state
from sktsdl.inspection._windows import ESTIMATOR, to_nets

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

EVALUATED_AT_ONCE = 1024
TOLERANCE = 1e-2
ROUNDING = 1e-5


def integrated_gradients(
    estimator: BaseEstimator,
    X: ArrayLike,
    *,
    baseline: ArrayLike | None = None,
    n_steps: int = 50,
    target: int = 0,
) -> np.ndarray:
    r"""Attribute a net's prediction to the values of each window [1]_.

    .. math::

        a_{s,c} = (x_{s,c} - b_{s,c}) \int_0^1
        \frac{\partial f(b + \alpha (x - b))}{\partial x_{s,c}} \, d\alpha

    Here :math:`f` is one output of the net, :math:`x` the window and :math:`b` the
    baseline. The attributions of a window sum to :math:`f(x) - f(b)`.

    Of a net with `cycle`, :math:`f` is the output at the step of the cycle that the row
    explained is at, for :math:`b` as for :math:`x`. The step gets no attribution: that
    of `cycle_channel` is 0.

    Of a `SeedEnsemble`, the attributions are the mean of those of its members, which
    are the attributions of its mean.

    Parameters
    ----------
    {estimator}
        `X` goes through the steps before the net.
    X : array-like
        As for ``estimator.predict``. Windows that start with NaN are filled in the same
        way.
    baseline : array-like or None, default=None
        The values that a window is compared with, broadcastable to
        ``(window, channels)``, in the units of the net's input. None is the training
        mean of each channel.
    n_steps : int, default=50
        The number of points of the numerical integral (Gauss-Legendre).
    target : int, default=0
        The output that is explained, such as the step of the horizon, counted from 0.
        Of a `NetClassifier`, the place of a class in ``classes_``: its log-odds,
        :math:`\log \frac{p}{1 - p}`, are explained.

    Returns
    -------
    attributions : ndarray of shape (n, window, channels), float64
        The attributions, in the units of `y`, or in log-odds. The attributions of a
        window do not depend on other windows.

    Raises
    ------
    ImportError
        If captum is missing.
    TypeError
        If `estimator` does not end in a net of this package, or in a `SeedEnsemble` of
        nets of numbers.
    ValueError
        If the net has categorical channels, as gradients between category codes have
        no meaning, or if `X` or a parameter cannot be used.

    Warns
    -----
    UserWarning
        If the sum of the attributions differs from :math:`f(x) - f(b)` by more than
        1 % of the sum of their absolute values, for example with too few steps.

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
    >>> regressor = LSTMRegressor(hidden_sizes=(4,), max_epochs=5, random_state=0)
    >>> pipe = make_pipeline(SlidingWindow(12), regressor).fit(X, y)
    >>> integrated_gradients(pipe, X_latest).shape
    (1, 12, 1)
    """
    try:
        import captum.attr  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "integrated_gradients needs captum, which is not installed: pip install "
            '"sktsdl[explain]".'
        ) from error
    parts = [
        _of_net(regressor, windows, baseline, n_steps, target)
        for regressor, windows in to_nets(estimator, X)
    ]
    mean: np.ndarray = sum(parts[1:], start=parts[0]) / len(parts)
    return mean


fill_docs(integrated_gradients, {"estimator": ESTIMATOR})


def _of_net(
    regressor: DeepRegressor,
    X: ArrayLike,
    baseline: ArrayLike | None,
    n_steps: int,
    target: int,
) -> np.ndarray:
    """Return the attributions of one net, and warn if they are not exact."""
    from captum.attr import IntegratedGradients

    module, spec = regressor.module_, regressor._spec
    channels, targets = spec.channels, spec.targets
    check_scalar(n_steps, "n_steps", Integral, min_val=1)
    last = targets.n_explained(spec.outputs.n_targets) - 1
    check_scalar(target, "target", Integral, min_val=0, max_val=last)
    if channels.categorical:
        raise ValueError(
            f"Channel {channels.categorical[0]} is in categorical_features, and "
            "gradients between category codes have no meaning: use "
            "channel_importance, or train on one-hot columns."
        )
    start = _baseline(baseline, channels, spec.inputs.window)
    dataset = regressor._prepared_windows(X)
    start = start.to(dataset.device)
    unit = targets.unit_of(target)

    def output(windows: Tensor, phases: Tensor) -> Tensor:
        # The phases of a row hold for its baseline, and for all windows between.
        inputs = torch.cat([windows, phases], dim=-1)
        return targets.target_output(module(inputs), target) * unit

    explainer = IntegratedGradients(output)

    def explain(block: Tensor) -> Tensor:
        part, gap = explainer.attribute(
            block[..., : channels.n_channels],
            start,
            additional_forward_args=block[..., channels.n_channels :],
            n_steps=n_steps,
            return_convergence_delta=True,
        )
        return torch.cat([part.flatten(1), gap[:, None]], dim=1).detach()

    # In evaluation mode, recurrent layers of cuDNN have no backward pass.
    without_cudnn = torch.backends.cudnn.flags(enabled=False)
    with (
        explained_memory_errors(TOO_LARGE),
        own_torch_state(dataset.device),
        without_cudnn,
    ):
        size = max(1, EVALUATED_AT_ONCE // n_steps)
        explained = evaluate_in_blocks(explain, dataset, size).cpu().double().numpy()
    attributions = explained[:, :-1].reshape(-1, *spec.inputs.shape)
    gap = float(np.abs(explained[:, -1]).max())
    largest = np.abs(attributions).sum(axis=(1, 2)).max()
    if gap > TOLERANCE * largest + ROUNDING * unit:
        warn(
            "The attributions of a window miss the difference between its prediction "
            f"and the baseline's by {gap:.2g}: raise n_steps={n_steps}, or give "
            "another baseline."
        )
    return attributions


def _baseline(
    baseline: ArrayLike | None, channels: ChannelScaling, window: int
) -> Tensor:
    """Return the baseline in the module's units, of shape (1, window, channels)."""
    values = channels.mean
    if baseline is not None:
        values = check_array(
            baseline,
            dtype=np.float64,
            ensure_2d=False,
            ensure_min_samples=0,
            input_name="baseline",
        )
    shape = window, channels.n_channels
    try:
        rows = np.broadcast_to(values, shape)
    except ValueError as error:
        raise ValueError(
            f"baseline has shape {values.shape}, which does not fit (window, "
            f"channels) = {shape}: give one value, one for each channel, or one for "
            "each step and channel."
        ) from error
    return torch.from_numpy(channels.transform(rows))[None]
