"""From windows back to rows, and batches from rows."""

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view

from sktsdl._training.batches import (
    Batches,
    WindowDataset,
    evaluate_in_blocks,
    recover_rows,
)

ROWS = np.random.default_rng(0).normal(size=(30, 2))
ROWS[:3, 1] = np.nan
VIEW = np.moveaxis(sliding_window_view(ROWS, 5, axis=0), 2, 1)
INPUTS = {
    "view": (VIEW, 30),
    "part of a view": (VIEW[3:-2], 25),
    "copy": (VIEW.copy(), 30),
    "fancy index": (VIEW[np.arange(4, 20)], 20),
    "rows left out": (VIEW[np.r_[0:5, 9:20]], 16 * 5),
    "shuffled": (VIEW[np.random.default_rng(1).permutation(26)], 26 * 5),
    "every second": (VIEW[::2], 13 * 5),
    "independent": (np.random.default_rng(2).normal(size=(26, 5, 2)), 26 * 5),
    "Fortran order": (np.asfortranarray(VIEW), 30),
    "one window": (VIEW[:1], 5),
    "one step": (ROWS[:, None, :], 30),
}


@pytest.mark.parametrize("kind", INPUTS)
def test_rows_are_recovered_from_windows(kind):
    X, n_rows = INPUTS[kind]
    rows, starts = recover_rows(X)
    assert len(rows) == n_rows
    for window, start in zip(X, starts, strict=True):
        np.testing.assert_array_equal(rows[start : start + X.shape[1]], window)


def test_rows_of_a_view_are_not_copied():
    assert np.shares_memory(recover_rows(VIEW)[0], ROWS)


@pytest.mark.parametrize("at", [4095, 4096, 4097])
def test_a_missing_window_in_a_long_copy_is_found(at):
    rows = np.random.default_rng(0).normal(size=(5000, 1))
    X = sliding_window_view(rows[:, 0], 3)[:, :, None]
    broken = np.delete(X, at, axis=0)
    recovered, starts = recover_rows(broken)
    for i in (at - 1, at, at + 1):
        np.testing.assert_array_equal(recovered[starts[i] : starts[i] + 3], broken[i])


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
