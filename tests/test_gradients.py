"""Gradients: clipped, accumulated over batches, and diverged."""

import numpy as np
import pytest
import torch
from torch import nn

from tests.nets import X, Y, net_fixture

net = net_fixture()


def spied_gradients(monkeypatch, net):
    """Return the gradient at each step, in one vector."""
    seen = []
    original = torch.optim.SGD.step

    def spy(self, *args, **kwargs):
        loss = original(self, *args, **kwargs)
        gradients = [p.grad for g in self.param_groups for p in g["params"]]
        seen.append(torch.cat([g.ravel() for g in gradients]))
        return loss

    monkeypatch.setattr(torch.optim.SGD, "step", spy)
    net.fit(X, Y)
    return torch.stack(seen)


@pytest.mark.parametrize("limit", [0.01, None])
def test_gradients_are_clipped_by_their_norm(monkeypatch, net, limit):
    gradients = spied_gradients(monkeypatch, net(optimizer="sgd", clip_grad_norm=limit))
    assert (gradients.norm(dim=1).max() <= 0.0101) == (limit is not None)


@pytest.mark.parametrize("limit", [0.01, None])
def test_gradients_are_clipped_by_their_values(monkeypatch, net, limit):
    gradients = spied_gradients(
        monkeypatch, net(optimizer="sgd", clip_grad_norm=None, clip_grad_value=limit)
    )
    assert (gradients.abs().max() <= 0.01) == (limit is not None)


@pytest.mark.parametrize("loss", ["squared_error", nn.L1Loss(reduction="sum")])
def test_accumulated_batches_equal_one_larger_batch(net, loss):
    rng = np.random.default_rng(0)
    weights = rng.uniform(1, 3, size=100)
    fit_params = {"sample_weight": weights} if loss == "squared_error" else {}
    large = net(batch_size=36, loss=loss).fit(X, Y, **fit_params)
    parts = net(batch_size=12, accumulate_batches=3, loss=loss).fit(X, Y, **fit_params)
    assert len(parts.lr_curve_) == len(large.lr_curve_) == 3 * 3
    np.testing.assert_allclose(parts.predict(X), large.predict(X), atol=1e-5)
    np.testing.assert_allclose(parts.loss_curve_, large.loss_curve_, rtol=1e-5)


@pytest.mark.parametrize("lr", [1e30, 1e200])
def test_a_diverging_loss_is_an_error(net, lr):
    fitted = net(optimizer="sgd", clip_grad_norm=None).fit(X, Y)
    expected = fitted.predict(X)
    fitted.set_params(lr=lr)
    with pytest.raises(FloatingPointError, match=r"epoch \d, at a loss.* lr=.*smaller"):
        fitted.fit(X, Y)
    np.testing.assert_array_equal(fitted.predict(X), expected)
