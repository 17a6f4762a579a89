"""M4 hourly: 414 series, 48 hours ahead, one net for all of them.

The files are the ones of `fetch_m4`, in the folder SKTSDL_DATA.

    python benchmarks/m4.py [--only m4-development m4] [--row WindowMLP] [--quick]
"""

from typing import Any

import numpy as np
import pandas as pd

from sktsdl.datasets import fetch_m4
from sktsdl.metrics import mase, mase_weights, smape

from _panels import Competition, Net, Panel  # isort: skip
from _study import Figures, Study, main  # isort: skip

DAY, WEEK = 24, 168
NAIVE_2 = {"MASE": 2.395, "sMAPE": 18.383}  # of the competition's own table


def score(panel: Panel, found: pd.DataFrame) -> Figures:
    """Return the errors of the competition."""
    truth, known = panel.test["value"], panel.train["value"]
    errors = {
        "MASE": mase(truth, found["value"], y_train=known, period=DAY),
        "sMAPE": smape(truth, found["value"]),
    }
    ratios = [errors[name] / of_naive for name, of_naive in NAIVE_2.items()]
    scaled = np.abs(truth - found["value"]) * mase_weights(
        truth, y_train=known, period=DAY
    )
    by_step = scaled.to_numpy().reshape(-1, panel.horizon).mean(axis=0)
    return {**errors, "OWA": sum(ratios) / 2, "by step": by_step.round(4).tolist()}


M4 = Competition(lambda: Panel(*fetch_m4(), period=DAY), score)

MLP: dict[str, Any] = {
    "hidden_sizes": (512, 256),
    "linear_skip": True,
    "max_epochs": 6,
}
BLOCKS: dict[str, Any] = {"lr": 3e-3, "linear_skip": True, "max_epochs": 6}
PATCHES: dict[str, Any] = {
    "lr": 3e-3,
    "linear_skip": True,
    "max_epochs": 4,
    "patch_size": DAY,
}
NETS = {
    "WindowMLP": Net("WindowMLP", WEEK + DAY, True, MLP),
    "WindowMLP, a week": Net("WindowMLP", WEEK, True, MLP),
    "WindowMLP, a week, no logarithm": Net("WindowMLP", WEEK, False, MLP),
    "NHiTS": Net("NHiTS", WEEK, True, BLOCKS),
    "NBEATS": Net("NBEATS", WEEK, True, BLOCKS),
    "GRU": Net("GRU", WEEK, True, PATCHES | {"hidden_sizes": (128,)}),
    "Transformer": Net("Transformer", WEEK, True, PATCHES),
    "TiDE": Net("TiDE", WEEK, True, {"max_epochs": 4}),
}
FIVE = (
    "WindowMLP",
    "WindowMLP, a week",
    "WindowMLP, a week, no logarithm",
    "NHiTS",
    "NBEATS",
)
MEANS = {
    "five seeds of WindowMLP": 5 * [NETS["WindowMLP"]],
    "five nets": [NETS[name] for name in FIVE],
}

PROTOCOL = (
    "The 414 hourly series of the M4 competition (Makridakis et al. 2020), the 48 "
    "hours after training, forecast once; errors by the definitions of the "
    "competition. One net of all series, on windows relative to their own mean and "
    "deviation, of logarithms unless a row says otherwise; absolute error, cosine "
    "annealing. NHiTS, NBEATS and the rows that say so see a week, WindowMLP a week "
    "and a day; GRU and Transformer take days as steps. "
)
MEMBERS = f'"Five nets" is the mean of {", ".join(FIVE[:-1])} and {FIVE[-1]}. '
COLUMNS = {
    "MASE": ".3f",
    "sMAPE": ".2f",
    "OWA": ".3f",
    "weights": ",.0f",
    "fit, s": ".1f",
}
STUDIES = [
    Study(
        "m4-development",
        "m4",
        "M4 hourly, the last 48 hours of training",
        PROTOCOL + "Here the last 48 hours of the training file are forecast from the "
        "hours before. Windows, logarithms, learning rates and epochs were chosen on "
        "them. The search began with widths and patches of earlier trials, which had "
        "been scored on the hours of the competition. "
        + MEMBERS
        + "One seed; processor seconds.",
        M4.models(NETS, MEANS, is_final=False, n_seeds=1),
        COLUMNS,
    ),
    Study(
        "m4",
        "m4",
        "M4 hourly, 414 series, 48 hours ahead",
        PROTOCOL + "Settings were chosen on the [last 48 hours of "
        "training](m4-development.md), where WindowMLP had the lowest error of the "
        "single nets. " + MEMBERS + "Medians of 3 seeds (the means: 1); processor "
        "seconds. Published: 0.893 and 9.33 for ES-RNN, which won the competition, "
        "0.819 and 11.51 for FFORMA, and 0.801 for the lowest MASE of all entries; "
        "1.03 for AutoARIMA.",
        M4.models(NETS, MEANS, is_final=True, n_seeds=3),
        COLUMNS,
    ),
]

if __name__ == "__main__":
    main(STUDIES)
