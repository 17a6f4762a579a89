"""ETTh1, 7 channels of hours: every net, all channels 96 to 720 hours ahead.

The protocol of published tables: training on the first 8,640 hours, validation on the
next 2,880, test on the next 2,880; channels standardised by the training hours; errors
over all windows whose targets lie in the test hours. `ETTh1.csv` is from
https://github.com/zhouhaoyi/ETDataset (ETT-small, CC BY-ND 4.0), in SKTSDL_DATA.

    python benchmarks/etth1.py [--only etth1 ...] [--row LSTM] [--quick]
"""

import time
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.linear_model import Ridge

import sktsdl

from _models import data_file, epochs, timed_fit  # isort: skip
from _study import Figures, Model, Study, main  # isort: skip

WINDOW = 336
SHOWN = 600  # the test window whose forecast is stored
TRAIN, VALID, TEST = (0, 8640), (8640, 11520), (11520, 14400)
PATCHES: dict[str, Any] = {"patch_size": 24}
SEGMENTS = PATCHES | {"decoder": "parallel"}
MIXED: dict[str, Any] = {"channel_independent": False}
CYCLE: dict[str, Any] = {"cycle": 24, "cycle_channel": 7}
SQUARED: dict[str, Any] = {"loss": "squared_error"}
DROPOUT: dict[str, Any] = {"dropout": 0.2}
SKIP: dict[str, Any] = {"linear_skip": True}
# By the name of a row: the net, and what it has besides the shared parameters.
NETS: dict[str, tuple[str, dict[str, Any]]] = {
    **{
        name: (name, PATCHES)
        for name in (
            "Transformer",
            "WaveNet",
            "TCN",
            "WindowMLP",
            "BiLSTM",
            "CNNLSTM",
            "RNN",
            "CNN",
            "GRU",
            "LSTM",
            "AttentionLSTM",
            "Seq2Seq",
        )
    },
    "TFT": ("TFT", PATCHES | SKIP),
    "NBEATS": ("NBEATS", {}),
    "NHiTS": ("NHiTS", {}),
    "TiDE": ("TiDE", {}),
    "TSMixer": ("TSMixer", MIXED | {"dropout": 0.3}),
    "ITransformer": ("ITransformer", MIXED | {"d_model": 128, "dropout": 0.1}),
    "GRU, parallel decoder": ("GRU", SEGMENTS),
    "LSTM, parallel decoder": ("LSTM", SEGMENTS),
    "GRU, parallel decoder, cycle": ("GRU", SEGMENTS | CYCLE),
    "RNN, cycle": ("RNN", PATCHES | CYCLE),
    "Seq2Seq, cycle": ("Seq2Seq", PATCHES | CYCLE | DROPOUT),
    "AttentionLSTM, cycle": ("AttentionLSTM", PATCHES | CYCLE | DROPOUT),
    "WindowMLP, cycle": ("WindowMLP", CYCLE),
    "linear, cycle": ("WindowMLP", {"hidden_sizes": ()} | CYCLE),
    "RNN, squared error": ("RNN", PATCHES | SKIP | SQUARED),
    "RNN, cycle, squared error": ("RNN", PATCHES | CYCLE | SKIP | SQUARED),
    "GRU, parallel decoder, cycle, squared error": (
        "GRU",
        SEGMENTS | CYCLE | SKIP | SQUARED,
    ),
    "Seq2Seq, cycle, squared error": ("Seq2Seq", PATCHES | CYCLE | DROPOUT | SQUARED),
}
# Of 192 and 336 hours ahead, where a row for every net would take too long.
FEW = (
    "Transformer",
    "RNN",
    "GRU",
    "Seq2Seq",
    "GRU, parallel decoder, cycle",
    "Seq2Seq, cycle",
    "linear, cycle",
    "RNN, squared error",
    "RNN, cycle, squared error",
    "GRU, parallel decoder, cycle, squared error",
    "Seq2Seq, cycle, squared error",
)
SHARED: dict[str, Any] = {
    "target_channels": list(range(7)),
    "channel_independent": True,
    "loss": "absolute_error",
    "lr": 1e-3,
    "lr_schedule": "cosine",
    "batch_size": 16,
    "max_epochs": 5,
}
GRID = [{"window_norm": "standard"}, {"window_norm": "last"}]


@cache
def table() -> pd.DataFrame:
    """Return the file."""
    return pd.read_csv(data_file("ETTh1.csv"), index_col="date", parse_dates=["date"])


@cache
def rows() -> np.ndarray:
    """Return all hours, standardised by those of training, and the hour of the day."""
    hours, (start, end) = table().to_numpy(float), TRAIN
    known = hours[start:end]
    scaled = (hours - known.mean(axis=0)) / known.std(axis=0)
    return np.column_stack([scaled, pd.DatetimeIndex(table().index).hour])


def windows(
    span: tuple[int, int], horizon: int, with_hour: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return the windows whose targets lie in `span`, and their targets.

    `with_hour` adds the hour of the day as a last channel.
    """
    start, end = span
    part = rows()[max(start - WINDOW, 0) : end]
    inputs = part if with_hour else part[:, :-1]
    X = sliding_window_view(inputs[:-horizon], WINDOW, axis=0).transpose(0, 2, 1)
    y = sliding_window_view(part[WINDOW:, :-1], horizon, axis=0)
    return X, y.reshape(len(y), -1)


def errors(model: Any, span: tuple[int, int], horizon: int) -> tuple[float, float]:
    """Return the mean squared and absolute error over a span."""
    X, y = windows(span, horizon, sees_hour(model))
    error = model.predict(X) - y
    return float((error**2).mean()), float(np.abs(error).mean())


def sees_hour(model: Any) -> bool:
    """Say whether a model needs the channel of the hour."""
    return getattr(model, "cycle_channel", None) is not None


def trained(name: str, horizon: int, seed: int, quick: bool, **params: Any) -> Any:
    """Train a net on every second window of the training hours."""
    net = getattr(sktsdl, f"{name}Regressor")(**SHARED | params, random_state=seed)
    X, y = windows(TRAIN, horizon, sees_hour(net))
    weights = np.arange(len(X))[::-1] % 2 == 0
    net.set_params(max_epochs=epochs(quick, net.max_epochs))
    if quick:
        weights &= np.arange(len(X)) % 64 == 0
    return net.fit(X, y, sample_weight=weights)


def measure(
    name: str, horizon: int, sizes: dict[str, Any], seed: int, quick: bool
) -> Figures:
    """Choose the window's norm on the validation hours, and score the test hours."""
    best: Any = None
    for params in GRID:
        start = time.process_time()
        net = trained(name, horizon, seed, quick, **sizes | params)
        seconds = time.process_time() - start
        found, _ = errors(net, VALID, horizon)
        if best is None or found < best[0]:
            best = found, seconds, params, net
    validation, seconds, params, net = best
    squared, absolute = errors(net, TEST, horizon)
    figures: Figures = {
        "MSE": squared,
        "MAE": absolute,
        "validation MSE": validation,
        "fit, s": seconds,
        "grid": [params["window_norm"] for params in GRID],
        "chosen": params,
        "parameters": net.n_parameters_,
    }
    if seed == 0:
        X, y = windows(TEST, horizon, sees_hour(net))
        answer = net.predict(X)
        by_step = ((answer - y) ** 2).reshape(len(y), 7, horizon).mean(axis=(0, 1))
        figures["by step"] = by_step.round(4).tolist()
        figures["loss"] = net.loss_curve_
        figures["window"] = X[SHOWN, :, 6].round(4).tolist()
        figures["forecast"] = answer[SHOWN, -horizon:].round(4).tolist()
        figures["truth"] = y[SHOWN, -horizon:].round(4).tolist()
        figures["start"] = str(table().index[TEST[0] + SHOWN])
    return figures


class DayBefore:
    """The last day, repeated."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> "DayBefore":
        self.horizon_ = y.shape[1] // X.shape[2]
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        repeats = -(-self.horizon_ // 24)
        day = np.tile(X[:, -24:], (1, repeats, 1))[:, : self.horizon_]
        return day.transpose(0, 2, 1).reshape(len(X), -1)


class RidgeEach:
    """One ridge for all channels, each as a sample, relative to its last value."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> "RidgeEach":
        inputs, last = self._inputs(X)
        targets = y.reshape(len(inputs), -1) - last
        self.ridge_ = Ridge(1.0).fit(inputs, targets)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        inputs, last = self._inputs(X)
        found: np.ndarray = (self.ridge_.predict(inputs) + last).reshape(len(X), -1)
        return found

    def _inputs(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inputs = X.transpose(0, 2, 1).reshape(-1, X.shape[1])
        return inputs - inputs[:, -1:], inputs[:, -1:]


def measure_other(
    make: Callable[[], Any], horizon: int, seed: int, quick: bool
) -> Figures:
    """Score a model without parameters to choose."""
    X, y = windows(TRAIN, horizon)
    model, seconds = timed_fit(make(), X[::2], y[::2])
    squared, absolute = errors(model, TEST, horizon)
    return {
        "MSE": squared,
        "MAE": absolute,
        "validation MSE": errors(model, VALID, horizon)[0],
        "fit, s": seconds,
    }


def models(horizon: int, names: Iterable[str], n_seeds: int) -> dict[str, Model]:
    """Return nets, and what they are to beat."""
    linear = {"hidden_sizes": ()}
    return {
        "the day before": Model(partial(measure_other, DayBefore, horizon)),
        "ridge": Model(partial(measure_other, RidgeEach, horizon)),
        "linear (WindowMLP without layers)": Model(
            partial(measure, "WindowMLP", horizon, linear), n_seeds
        ),
        **{
            name: Model(
                partial(measure, NETS[name][0], horizon, NETS[name][1]), n_seeds
            )
            for name in names
        },
    }


PROTOCOL = (
    "Test MSE and MAE over all windows and 7 channels, median of 3 seeds. Every net: "
    "windows of 336 hours, `channel_independent=True` (but for TSMixer and "
    "ITransformer, which mix channels), `patch_size=24` (but for nets that see all "
    "steps at once), absolute error (if its row does not say squared error), `lr=1e-3` "
    "with a cosine schedule, 5 epochs of every second training window, batches of 16, "
    "all else by default (but for `dropout=0.3` of TSMixer, `d_model=128` and "
    "`dropout=0.1` of ITransformer, `dropout=0.2` of Seq2Seq and AttentionLSTM with "
    "cycles, `linear_skip=True` of TFT, and of RNN and GRU with the squared error); "
    '`window_norm` "standard" or "last", by the validation hours of each seed. These '
    "parameters were chosen on the validation hours of seed 0; nothing was on the "
    "test hours. Processor seconds of one fit. "
)
PUBLISHED = {
    96: "Published: DLinear 0.375/0.399, PatchTST 0.370/0.400, iTransformer "
    "0.386/0.405, FEDformer 0.376/0.419, Autoformer 0.449/0.459, Informer "
    "0.865/0.713, plain Transformer 0.499/0.484.",
    192: "Published: DLinear 0.405/0.416, PatchTST 0.413/0.429, iTransformer "
    "0.441/0.436.",
    336: "Published: DLinear 0.439/0.443, PatchTST 0.422/0.440, iTransformer "
    "0.487/0.458.",
    720: "Published: DLinear 0.472/0.490, PatchTST 0.447/0.468, iTransformer "
    "0.503/0.491.",
}
SOURCES = (
    " Sources: LTSF-Linear and PatchTST tables (look-back 336 or best), iTransformer "
    "paper (look-back 96); plain Transformer: README of MTS-Mixers."
)

STUDIES = [
    Study(
        "etth1" if horizon == 96 else f"etth1-{horizon}",
        "etth1",
        f"ETTh1, {horizon} hours ahead",
        PROTOCOL + PUBLISHED[horizon] + SOURCES,
        models(horizon, NETS if horizon in (96, 720) else FEW, 3),
        {"MSE": ".3f", "MAE": ".3f", "validation MSE": ".3f", "fit, s": ".1f"},
    )
    for horizon in PUBLISHED
]

if __name__ == "__main__":
    main(STUDIES)
