"""`DataParallel` in one process; tests/distributed has several."""

import numpy as np
import pytest
import torch
from skorch.callbacks import BatchScoring, EpochScoring
from torch import distributed as dist

from sktsdl import TSMixerRegressor
from sktsdl._training.device import resolve_device
from sktsdl.distributed import DataParallel
from tests.nets import X, Y, lstm


@pytest.fixture
def group():
    """A process group of one rank."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def assert_trains_as_usual():
    usual = lstm(dropout=0.5, early_stopping=True).fit(X, Y)
    net = lstm(dropout=0.5, early_stopping=True, callbacks=[DataParallel()]).fit(X, Y)
    assert net.loss_curve_ == usual.loss_curve_
    assert net.validation_loss_curve_ == usual.validation_loss_curve_
    np.testing.assert_array_equal(net.predict(X), usual.predict(X))


def test_a_net_trains_as_usual_without_a_group():
    assert_trains_as_usual()


def test_a_net_trains_as_usual_in_a_group_of_one(group):
    assert_trains_as_usual()


def test_a_worker_of_a_rank_trains_by_itself(monkeypatch):
    """joblib's workers inherit what torchrun has set."""
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr("multiprocessing.parent_process", object)
    assert_trains_as_usual()


def test_batch_norm_is_an_error(group):
    net = TSMixerRegressor(norm="batch", callbacks=[DataParallel()])
    with pytest.raises(ValueError, match=r"norm='batch', whose .* use norm='layer'"):
        net.fit(X, Y)


@pytest.mark.parametrize(
    "scoring",
    [
        EpochScoring("r2", on_train=True),
        BatchScoring("r2", on_train=True, use_caching=False),
    ],
)
def test_scores_of_training_batches_are_an_error(group, scoring):
    net = lstm(callbacks=[scoring, DataParallel()])
    with pytest.raises(ValueError, match=r"use EpochScoring.*use_caching=False"):
        net.fit(X, Y)


@pytest.mark.parametrize(("rank", "index"), [("0", 0), ("1", 1), ("3", 1)])
def test_cuda_is_the_gpu_of_the_local_rank(monkeypatch, rank, index):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", rank)
    for name in ("cuda", "auto"):
        assert resolve_device(name) == torch.device("cuda", index)
    assert resolve_device("cuda:0") == torch.device("cuda", 0)
