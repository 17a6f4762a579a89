"""Two trials of the study in a file, in a process of their own."""

import os
import sys

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna_integration import SkorchPruningCallback

from tests.ecosystem.models import fitted, net, pipeline


def objective(trial):
    trial.set_user_attr("process", os.getpid())
    lr = trial.suggest_float("lr", 1e-7, 1e-1, log=True)
    pruning = SkorchPruningCallback(trial, "train_loss")
    return fitted(pipeline(net(lr=lr, callbacks=[pruning])))[-1].loss_curve_[-1]


def open_study(path):
    return optuna.create_study(
        study_name="shared",
        storage=JournalStorage(JournalFileBackend(path)),
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=1),
    )


if __name__ == "__main__":
    open_study(sys.argv[1]).optimize(objective, n_trials=2)
