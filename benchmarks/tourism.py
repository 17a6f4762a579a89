"""Tourism: 366 monthly series, 24 months ahead, one net for all of them.

The files are the ones of `fetch_tourism`, in the folder SKTSDL_DATA.

    python benchmarks/tourism.py [--only tourism-development tourism] [--quick]
"""

from typing import Any

import pandas as pd

from sktsdl.datasets import fetch_tourism
from sktsdl.metrics import mase

from _panels import Competition, Net, Panel  # isort: skip
from _study import Figures, Study, main  # isort: skip

YEAR = 12


def score(panel: Panel, found: pd.DataFrame) -> Figures:
    """Return the errors of the competition."""
    truth, known = panel.test["value"], panel.train["value"]
    return {
        "MASE": mase(truth, found["value"], y_train=known, period=YEAR),
        "MAPE": float(100 * ((truth - found["value"]).abs() / truth).mean()),
    }


TOURISM = Competition(lambda: Panel(*fetch_tourism(), period=YEAR), score)

PATCHES: dict[str, Any] = {
    "hidden_sizes": (64,),
    "patch_size": YEAR,
    "linear_skip": True,
    "max_epochs": 10,
}
TRANSFORMER: dict[str, Any] = {
    "patch_size": YEAR,
    "linear_skip": True,
    "max_epochs": 5,
}
BLOCKS: dict[str, Any] = {"linear_skip": True, "max_epochs": 5}
MLP: dict[str, Any] = {
    "hidden_sizes": (256, 256),
    "dropout": 0.2,
    "linear_skip": True,
    "max_epochs": 5,
}
WINDOW = 4 * YEAR
NETS = {
    "GRU": Net("GRU", WINDOW, False, PATCHES),
    "GRU, logarithms": Net("GRU", WINDOW, True, PATCHES),
    "LSTM": Net("LSTM", WINDOW, False, PATCHES),
    "WindowMLP": Net("WindowMLP", WINDOW, False, MLP),
    "NHiTS": Net("NHiTS", WINDOW, False, BLOCKS),
    "Transformer": Net("Transformer", WINDOW, False, TRANSFORMER),
    "Transformer, logarithms": Net("Transformer", WINDOW, True, TRANSFORMER),
    "NBEATS, logarithms": Net("NBEATS", WINDOW, True, BLOCKS),
}
FIVE = (
    "GRU",
    "LSTM",
    "WindowMLP",
    "Transformer, logarithms",
    "NBEATS, logarithms",
)
MEANS = {
    "five seeds of GRU": 5 * [NETS["GRU"]],
    "five nets": [NETS[name] for name in FIVE],
}

PROTOCOL = (
    "The 366 monthly series of the tourism competition (Athanasopoulos et al. 2011), "
    "the 24 months after training, forecast once. One net of all series, on windows "
    "of 48 months relative to their own mean and deviation; absolute error, cosine "
    "annealing. GRU, LSTM and Transformer take years as steps. "
    f'"Five nets" is the mean of {"; ".join(FIVE)}. '
)
STUDIES = [
    Study(
        "tourism-development",
        "tourism",
        "Tourism, the last 24 months of training",
        PROTOCOL + "Here the last 24 months of training of each series are forecast "
        "from the months before. Logarithms, dropout and epochs were chosen on them. "
        "The search began with widths and patches of earlier trials, which had been "
        "scored on the months of the competition. One seed; processor seconds. Some "
        "of these months are 0, so there is no MAPE.",
        TOURISM.models(NETS, MEANS, is_final=False, n_seeds=1),
        {"MASE": ".3f", "weights": ",.0f", "fit, s": ".1f"},
    ),
    Study(
        "tourism",
        "tourism",
        "Tourism, 366 monthly series, 24 months ahead",
        PROTOCOL + "Settings were chosen on the [last 24 months of "
        "training](tourism-development.md), where GRU had the lowest error of the "
        "single nets. Medians of 3 seeds (the means: 1); processor seconds. Published "
        "MASE: 1.531 for AutoETS, 1.483 for AutoARIMA, 1.449 for TiRex, the best of "
        "the nets that were trained on other data. Published MAPE: 19.45 for the mean "
        "of 60 N-BEATS, 20.13 for one.",
        TOURISM.models(NETS, MEANS, is_final=True, n_seeds=3),
        {"MASE": ".3f", "MAPE": ".2f", "weights": ",.0f", "fit, s": ".1f"},
    ),
]

if __name__ == "__main__":
    main(STUDIES)
