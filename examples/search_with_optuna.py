"""Search with Optuna: pruning by epoch, and one study in several processes.

    python examples/search_with_optuna.py study.log

Start this line as often as you like, on every machine that sees the file.
"""

import sys

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna_integration import SkorchPruningCallback
from sklearn.pipeline import make_pipeline

from sktsdl import LSTMRegressor, SlidingWindow, make_supervised
from sktsdl.datasets import load_air_passengers

X, y, _ = make_supervised(load_air_passengers(), target="passengers")


def objective(trial: optuna.Trial) -> float:
    net = LSTMRegressor(
        hidden_sizes=(8,),
        lr=trial.suggest_float("lr", 1e-5, 1e-1, log=True),
        max_epochs=8,
        early_stopping=True,  # the last rows are for validation
        callbacks=[SkorchPruningCallback(trial, "valid_loss")],
        random_state=0,
    )
    pipe = make_pipeline(SlidingWindow(12), net).fit(X, y)
    return float(min(pipe[-1].validation_loss_curve_))


def main(path: str) -> None:
    study = optuna.create_study(
        study_name="passengers",
        storage=JournalStorage(JournalFileBackend(path)),
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=2),
    )
    study.optimize(objective, n_trials=4)
    print(len(study.trials), study.best_params)


if __name__ == "__main__":
    main(sys.argv[1])
