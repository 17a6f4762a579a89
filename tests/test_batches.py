"""Batches of windows, gathered from rows."""

import copy
import pickle

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from sktsdl._training.batches import Batch, Batches, WindowDataset
from sktsdl._training.blocks import evaluate_in_blocks
from sktsdl._windows.windows import recover_rows

ROWS = np.random.default_rng(0).normal(size=(30, 2))
ROWS[:3, 1] = np.nan
VIEW = np.moveaxis(sliding_window_view(ROWS, 5, axis=0), 2, 1)


def dataset():
    rows, starts = recover_rows(VIEW.copy())
    targets = torch.arange(len(starts))[:, None]
    return WindowDataset(torch.from_numpy(rows), torch.from_numpy(starts), 5, targets)


def test_batches_hold_every_window_once_with_its_target():
    torch.manual_seed(0)
    batches = list(Batches(dataset(), 8, shuffle=True))
    assert [len(windows) for windows, _ in batches] == [8, 8, 8, 2]
    targets = torch.cat([targets for _, targets in batches]).ravel()
    assert sorted(targets.tolist()) == list(range(26)) != targets.tolist()
    windows = torch.cat([windows for windows, _ in batches]).numpy()
    np.testing.assert_array_equal(windows, VIEW[targets.numpy()])


@pytest.mark.parametrize("size", [8, 13, 26, 40])
def test_all_windows_are_evaluated_in_blocks_of_one_size(size):
    shapes = set()

    def evaluate(windows):
        shapes.add(tuple(windows.shape))
        return windows + 1

    outputs = evaluate_in_blocks(evaluate, dataset(), size)
    assert shapes == {(size, 5, 2)}
    np.testing.assert_array_equal(outputs, VIEW + 1)


@pytest.mark.parametrize(
    "rebuild", [copy.deepcopy, lambda b: pickle.loads(pickle.dumps(b))]
)
def test_a_batch_is_a_pair_that_can_be_copied(rebuild):
    batch = Batch((torch.ones(3, 2, 1), torch.zeros(3, 1)), torch.full((3, 1), 2.0))
    windows, targets = again = rebuild(batch)
    assert (windows.shape, targets.shape) == ((3, 2, 1), (3, 1))
    torch.testing.assert_close(again.weights, batch.weights)
