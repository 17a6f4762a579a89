"""Training in half precision."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback

import sktsdl._layers.recurrent
import sktsdl._training.config
from tests.nets import X, Y, lstm, net_fixture

net = net_fixture()


def assert_low_precision_is_near(full):
    full.fit(X, Y)
    low = clone(full).set_params(precision="bf16").fit(X, Y)
    assert not np.array_equal(low.predict(X), full.predict(X))
    assert low.predict(X).dtype == np.float64
    with torch.no_grad():
        outputs = low.module_(
            torch.from_numpy(
                low._spec.channels.transform(X.reshape(-1, 2)).reshape(X.shape)
            )
        )
    expected = low._spec.targets.decode(outputs.double().numpy())
    np.testing.assert_allclose(low.predict(X), expected.ravel(), rtol=1e-4, atol=1e-6)
    distance = np.linalg.norm(low.predict(X) - full.predict(X))
    assert distance <= 1e-2 * np.linalg.norm(full.predict(X))


def test_bf16_is_close_to_full_precision(net):
    assert_low_precision_is_near(net())


@pytest.mark.parametrize("how", [{"bptt_steps": 2}, {"layer_norm": True}])
def test_bf16_in_every_kind_of_recurrent_layer(how):
    assert_low_precision_is_near(lstm(**how))


def test_the_first_bf16_net_of_a_process_equals_the_next():
    first = lstm(precision="bf16")
    sktsdl._layers.recurrent._has_lstm_kernel.cache_clear()
    np.testing.assert_array_equal(
        first.fit(X, Y).predict(X), first.fit(X, Y).predict(X)
    )


def test_fp16_scales_the_loss_and_not_the_step(monkeypatch):
    full = lstm(optimizer="sgd").fit(X, Y)
    # The CPU refuses fp16, but its loss scaling is the same as on CUDA.
    monkeypatch.setitem(sktsdl._training.config.PRECISIONS, "bf16", torch.float16)
    low = lstm(optimizer="sgd", precision="bf16").fit(X, Y)
    assert low.net_.scaler_.get_scale() > 1e4
    np.testing.assert_allclose(low.predict(X), full.predict(X), atol=1e-2)


class InterruptInTheSecondEpoch(Callback):
    def on_grad_computed(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


def test_an_interrupted_step_of_fp16_can_be_pickled_and_continued(monkeypatch):
    monkeypatch.setitem(sktsdl._training.config.PRECISIONS, "bf16", torch.float16)
    net = lstm(precision="bf16", warm_start=True)
    with pytest.raises(KeyboardInterrupt):
        net.set_params(callbacks=[InterruptInTheSecondEpoch()]).fit(X, Y)
    again = pickle.loads(pickle.dumps(net.set_params(callbacks=None)))
    assert again.net_.scaler_.get_scale() == net.net_.scaler_.get_scale()
    for one in (net, again):
        assert one.fit(X, Y).n_epochs_ == 3
    np.testing.assert_array_equal(net.predict(X), again.predict(X))
