"""Small fitted nets of all kinds, and what they are to predict without Python."""

import numpy as np
import pandas as pd
import torch

from sktsdl import (
    AttentionLSTMRegressor,
    BiLSTMRegressor,
    CNNLSTMRegressor,
    CNNRegressor,
    GRURegressor,
    ITransformerRegressor,
    LSTMRegressor,
    MultiTaskNet,
    NBEATSRegressor,
    NetClassifier,
    NHiTSRegressor,
    RNNRegressor,
    Seq2SeqRegressor,
    SlidingWindow,
    TCNRegressor,
    TFTRegressor,
    TiDERegressor,
    TransformerRegressor,
    TSMixerRegressor,
    WaveNetRegressor,
    WindowMLPRegressor,
    make_supervised,
)

N, WINDOW = 90, 6
RNG = np.random.default_rng(0)
# A large level with a small deviation, noise, codes, the hour of a cycle, a constant.
DATA = pd.DataFrame(
    {
        "price": 1e6 + np.sin(np.arange(N)) + RNG.normal(0, 0.3, N).cumsum(),
        "load": RNG.normal(size=N),
        "kind": RNG.integers(0, 4, N) * 10.0,
        "hour": np.arange(N) % 8.0,
        "shop": 3.0,
    },
    index=pd.date_range("2024-03-01", periods=N, freq="h"),
)
TRAIN = slice(0, 60)  # later rows hold a code that training did not have
DATA.iloc[70:75, 2] = 50.0


def samples(target="price", horizon=2, **params):
    """Return windows, the first of which start with NaN, and their targets."""
    X, y, _ = make_supervised(DATA, target=target, horizon=horizon, **params)
    return SlidingWindow(WINDOW).fit_transform(X), y


STEPS = samples()
ONE = STEPS[0], STEPS[1].iloc[:, 0]
KNOWN = samples(known_future=["load", "kind"])
SERIES = samples(target=["price", "load"])
TABLE = np.asarray(STEPS[0])[WINDOW:, :, 1], STEPS[1].iloc[WINDOW:]
LABELS = np.where(np.arange(len(ONE[1])) % 3, "up", "down")
TASKS = ONE[1].to_frame("level").assign(direction=LABELS)

RUN = {"max_epochs": 1, "random_state": 0}
SMALL = {"hidden_sizes": (4,)} | RUN
CONV = {"channels": (4,)} | RUN
ATTENTION = {"d_model": 4, "nhead": 2, "dim_feedforward": 8} | RUN
TFT = {"hidden_size": 4, "nhead": 2} | RUN
CODED = {"categorical_features": ["kind"]}
BY_HOUR = {"cycle": 8, "cycle_channel": "hour"}
PATCHTST = {
    "patch_size": 4,
    "patch_stride": 2,
    "positions": "learned",
    "norm": "batch",
    "norm_first": False,
    "activation": "gelu",
    "pooling": "flatten",
}

CASES = {
    # all nets
    "MLP": (WindowMLPRegressor(**SMALL), STEPS),
    "NBEATS": (NBEATSRegressor(hidden_size=4, **RUN), STEPS),
    "NHiTS": (NHiTSRegressor(hidden_size=4, **RUN), STEPS),
    "TiDE": (TiDERegressor(hidden_size=4, **RUN), STEPS),
    "TSMixer": (TSMixerRegressor(ff_dim=4, **RUN), STEPS),
    "RNN": (RNNRegressor(**SMALL), STEPS),
    "LSTM": (LSTMRegressor(**SMALL), STEPS),
    "GRU": (GRURegressor(**SMALL), STEPS),
    "BiLSTM": (BiLSTMRegressor(**SMALL), STEPS),
    "AttentionLSTM": (AttentionLSTMRegressor(**SMALL), STEPS),
    "CNN": (CNNRegressor(**CONV), STEPS),
    "CNNLSTM": (CNNLSTMRegressor(**SMALL), STEPS),
    "TCN": (TCNRegressor(**CONV), STEPS),
    "WaveNet": (WaveNetRegressor(**RUN), STEPS),
    "Transformer": (TransformerRegressor(**ATTENTION), STEPS),
    "ITransformer": (ITransformerRegressor(**ATTENTION), STEPS),
    "Seq2Seq": (Seq2SeqRegressor(hidden_size=4, **RUN), STEPS),
    "TFT": (TFTRegressor(**TFT), STEPS),
    # their options
    "deep": (GRURegressor(hidden_sizes=(4, 3), dropout=0.1, **RUN), STEPS),
    "layer_norm": (LSTMRegressor(layer_norm=True, bptt_steps=4, **SMALL), STEPS),
    "pooling": (CNNRegressor(pooling="max", norm="batch", **CONV), STEPS),
    "causal": (TransformerRegressor(causal=True, pooling="mean", **ATTENTION), STEPS),
    "batch norm": (TSMixerRegressor(norm="batch", **RUN), KNOWN),
    "cell": (Seq2SeqRegressor(hidden_size=4, cell="lstm", **RUN), KNOWN),
    # targets
    "one target": (LSTMRegressor(**SMALL), ONE),
    "several targets": (LSTMRegressor(**SMALL), SERIES),
    "table": (WindowMLPRegressor(**SMALL), TABLE),
    "quantiles": (LSTMRegressor(loss="quantile", **SMALL), STEPS),
    "one, quantiles": (LSTMRegressor(loss="quantile", **SMALL), ONE),
    "classes": (NetClassifier(LSTMRegressor(**SMALL)), (ONE[0], LABELS)),
    "tasks": (
        MultiTaskNet(
            LSTMRegressor(**SMALL),
            tasks={"level": "regression", "direction": "classification"},
        ),
        (ONE[0], TASKS),
    ),
    "without tasks": (MultiTaskNet(LSTMRegressor(**SMALL)), STEPS),
    # what all nets take
    "categories": (LSTMRegressor(**CODED, **SMALL), STEPS),
    "known ahead": (LSTMRegressor(**CODED, **SMALL), KNOWN),
    "static": (TFTRegressor(static_features=["shop"], **CODED, **TFT), KNOWN),
    "last": (GRURegressor(window_norm="last", **SMALL), STEPS),
    "standard": (GRURegressor(window_norm="standard", **SMALL), STEPS),
    "mean": (GRURegressor(window_norm="mean", **SMALL), STEPS),
    "no norm": (GRURegressor(window_norm=None, **SMALL), STEPS),
    "not standardised": (WindowMLPRegressor(standardize=False, **SMALL), STEPS),
    "patches": (GRURegressor(patch_size=4, patch_stride=2, **SMALL), STEPS),
    "PatchTST": (TransformerRegressor(**PATCHTST, **ATTENTION), STEPS),
    "parallel": (GRURegressor(patch_size=2, decoder="parallel", **SMALL), STEPS),
    "linear_skip": (LSTMRegressor(linear_skip=True, **SMALL), KNOWN),
    "each step": (LSTMRegressor(loss_steps="all", **SMALL), STEPS),
    "each channel": (
        WindowMLPRegressor(
            channel_independent=True, target_channels=["price", "load"], **SMALL
        ),
        SERIES,
    ),
    "cycle": (LSTMRegressor(window_norm="standard", **BY_HOUR, **SMALL), STEPS),
    "cycle of levels": (LSTMRegressor(window_norm="last", **BY_HOUR, **SMALL), STEPS),
}


def expected_of(model, windows):
    """Return what a fitted model's module should return, as a dict of arrays."""
    if isinstance(model, NetClassifier):
        return {"y": model.predict_proba(windows)}
    if isinstance(model, MultiTaskNet) and model.classes_:
        numbers, chances = model.predict(windows), model.predict_proba(windows)
        return {
            f"y.{name}": chances[name] if name in chances else numbers[name].to_numpy()
            for name in numbers
        }
    if getattr(model, "loss", None) == "quantile":
        return {"y": model.predict_quantiles(windows)}
    return {"y": model.predict(windows)}


def fitted(name):
    """Return a fitted model, its windows as an array, and its predictions of them."""
    model, (windows, y) = CASES[name]
    model.fit(windows[TRAIN], y[TRAIN])
    return model, np.array(windows, dtype=np.float64), expected_of(model, windows)


def outputs_of(module, x):
    """Return the outputs of a module for an array, as a dict of arrays."""
    found = module(torch.from_numpy(x))
    parts = found if isinstance(found, dict) else {None: found}
    return {
        "y" if name is None else f"y.{name}": part.numpy()
        for name, part in parts.items()
    }


def assert_same(outputs, expected):
    """Compare outputs to 1e-5 of the standard deviation of each."""
    assert outputs.keys() == expected.keys()
    for name, values in expected.items():
        assert outputs[name].shape == values.shape
        assert outputs[name].dtype == np.float64
        np.testing.assert_allclose(
            outputs[name], values, rtol=0, atol=1e-5 * values.std()
        )
