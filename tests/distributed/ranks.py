"""A script of one rank: it trains nets, and writes to a folder what became of them."""

import os
import pickle
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback, EarlyStopping, EpochScoring
from torch import distributed as dist
from torch import nn

import sktsdl
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl._training import blocks
from sktsdl.datasets import make_panel
from sktsdl.distributed import DataParallel

RANK, N_RANKS = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
TASK, FOLDER = sys.argv[1], Path(sys.argv[2])
rng = np.random.default_rng(0)
ROWS = rng.normal(size=(64, 2)).cumsum(axis=0)
Y = ROWS[:, :1] + np.arange(3) + rng.normal(size=(64, 3))
X = sktsdl.SlidingWindow(6).fit_transform(ROWS)  # 59 windows are complete
WEIGHTS = np.linspace(0.1, 3, 64)
LSTM = sktsdl.LSTMRegressor(hidden_sizes=(4,), max_epochs=3, random_state=0, lr=0.01)
NETS = [
    cls
    for cls in map(vars(sktsdl).get, sktsdl.__all__)
    if isinstance(cls, type) and issubclass(cls, DeepRegressor)
]


def with_ranks(net, *more):
    """Return a net that is trained by all ranks."""
    copied = clone(net)
    inner = getattr(copied, "regressor", copied)
    inner.set_params(callbacks=[*more, DataParallel()])
    return copied


def what(net):
    """Return all that should be the same on the ranks, and as in one process."""
    net = getattr(net, "regressor_", net)
    weights = torch.cat([weight.flatten() for weight in net.module_.parameters()])
    return {
        "weights": weights.detach().numpy().copy(),
        "losses": list(net.loss_curve_),
        "validation": list(getattr(net, "validation_loss_curve_", ())),
        "rates": list(net.lr_curve_),
        "epochs": (net.n_epochs_, net.best_epoch_),
    }


def both(net, X=X, y=Y, again=None, **fit_params):
    """Train in one process and on all ranks; `again` continues the training."""
    found = {}
    for name, one in (("one", clone(net)), ("all", with_ranks(net))):
        one.fit(X, y, **fit_params)
        if again:
            again(one)
        found[name] = what(one) | {"predictions": np.asarray(one.predict(X))}
    return found


def changed(**params):
    return clone(LSTM).set_params(**params)


def more_epochs(net):
    net.set_params(max_epochs=5, warm_start=True).fit(X, Y)


def panel():
    data = make_panel(n_series=3, random_state=0)
    X, y, _ = sktsdl.make_supervised(data, target="units", horizon=2)
    X = sktsdl.SlidingWindow(5).fit_transform(X)
    return both(changed(window_norm="mean", loss_scale="window"), X, y)


def in_small_parts():
    blocks.BUFFER_BYTES, given = 3000, blocks.BUFFER_BYTES
    try:
        return both(changed(batch_size=40))
    finally:
        blocks.BUFFER_BYTES = given


def compare():
    """Train nets in one process and on all ranks."""
    stopping = {"early_stopping": True, "n_iter_no_change": 2, "max_epochs": 12}
    return {
        "batches that do not divide": both(changed(batch_size=15)),
        "batches of fewer windows than ranks": both(changed(batch_size=1)),
        "a last batch of few windows": both(changed(batch_size=28)),
        "one batch": both(changed(batch_size=1000)),
        "weights": both(changed(batch_size=16), sample_weight=WEIGHTS),
        "micro-batches": in_small_parts(),
        "accumulated batches": both(changed(batch_size=8, accumulate_batches=2)),
        "clipped norm": both(changed(clip_grad_norm=0.01, optimizer="sgd", lr=0.5)),
        "clipped values": both(changed(clip_grad_value=1e-3, optimizer="sgd")),
        "quantiles": both(changed(loss="quantile", batch_size=16)),
        "a loss of one number": both(changed(loss=nn.L1Loss(), batch_size=16)),
        "a sum": both(changed(loss=nn.MSELoss(reduction="sum"), batch_size=16)),
        "every step": both(changed(loss_steps="all", batch_size=15)),
        "window scales": panel(),
        "teacher forcing": both(decoder(teacher_forcing=1.0, max_epochs=1)),
        "early stopping": both(changed(**stopping, lr=0.1, batch_size=16)),
        "plateau": both(changed(**stopping, lr=0.1, lr_schedule="plateau", tol=0.05)),
        "cosine": both(changed(lr_schedule="cosine", batch_size=15)),
        "warm start": both(changed(batch_size=15), again=more_epochs),
        "warm start after early stopping": both(
            changed(early_stopping=True, batch_size=15), again=more_epochs
        ),
        "partial_fit": both(LSTM, again=lambda net: net.partial_fit(X, Y)),
        "a classifier": both(
            sktsdl.NetClassifier(changed(batch_size=15)), X, Y[:, 0] > Y[:, 0].mean()
        ),
    } | {cls.__name__: both(plain(cls)) for cls in NETS if N_RANKS == 2}


def decoder(**params):
    return sktsdl.Seq2SeqRegressor(
        hidden_size=4, random_state=0, batch_size=15, **params
    )


def plain(cls):
    """Return a net whose training draws nothing but the order of the windows."""
    params = {"max_epochs": 2, "random_state": 0, "batch_size": 15}
    params["dropout"] = 0.0
    if cls is sktsdl.Seq2SeqRegressor:  # from epoch 2 on, it draws what is forced
        params |= {"teacher_forcing": 1.0, "max_epochs": 1}
    return cls(**{name: params[name] for name in params.keys() & cls().get_params()})


class Scores(Callback):
    """Records a score that is worse in each epoch, on one rank only."""

    def on_epoch_end(self, net, **kwargs):
        net.history.record("score", (2 * RANK - 1) * len(net.history))


class Interrupts(Callback):
    """Interrupts one rank only, as a user may do."""

    def on_batch_end(self, net, **kwargs):
        if RANK == 1 and len(net.history) == 2:
            raise KeyboardInterrupt


class Fails(Callback):
    """Fails on one rank only, in the middle of an epoch."""

    def on_batch_end(self, net, **kwargs):
        if RANK == 1 and len(net.history) == 2:
            raise ValueError("no more disk space")


class Dies(Callback):
    """Ends the process of one rank."""

    def on_epoch_end(self, net, **kwargs):
        if RANK == 1:
            os._exit(3)


def error_of(net, X=X, y=Y, **fit_params):
    """Return the error of a fit."""
    try:
        net.fit(X, y, **fit_params)
    except (Exception, KeyboardInterrupt) as error:
        return f"{type(error).__name__}: {error}"
    return "none"


def use():
    """Use nets that all ranks have trained."""
    found = {}
    net = with_ranks(LSTM)
    callbacks = net.callbacks
    net.fit(X, Y)
    found["has no group"] = not dist.is_initialized()
    found["is plain"] = (
        net.callbacks is callbacks,
        type(net.module_) is type(clone(LSTM).fit(X, Y).module_),
        type(net.net_.iterator_train) is type,
        vars(callbacks[0]),
    )
    again = pickle.loads(pickle.dumps(net))
    found["pickled"] = bool((again.predict(X) == net.predict(X)).all())
    if RANK == 0:  # without the other ranks
        net.set_params(callbacks=None).save(FOLDER / "net")
        loaded = sktsdl.load(FOLDER / "net")
        assert (loaded.predict(X) == net.predict(X)).all()

    dropout = with_ranks(changed(dropout=0.5, random_state=None)).fit(X, Y)
    found["dropout"] = what(dropout.set_params(max_epochs=5, warm_start=True).fit(X, Y))
    found["random forcing"] = what(with_ranks(decoder(max_epochs=3)).fit(X, Y))

    class Masks(Callback):
        """Keeps which inputs of dropout, and which outputs, are not 0."""

        def on_train_begin(self, net, **kwargs):
            (layer,) = (
                layer for layer in net.module_.modules() if type(layer) is nn.Dropout
            )
            layer.register_forward_hook(keep)

    def keep(layer, inputs, output):
        found.setdefault("masks", [(x != 0).numpy() for x in (*inputs, output)])

    mlp = sktsdl.WindowMLPRegressor(hidden_sizes=(4,), dropout=0.5, batch_size=16)
    with_ranks(mlp.set_params(max_epochs=1, random_state=0), Masks()).fit(X, Y)

    score = EpochScoring(
        "neg_mean_absolute_error", name="score", on_train=True, use_caching=False
    )
    valid = EpochScoring("neg_mean_absolute_error", name="valid")
    net = with_ranks(changed(early_stopping=True), score, valid).fit(X, Y)
    found["scores"] = net.net_.history[:, ("score", "valid")]

    stopping = EarlyStopping("score", patience=2)
    net = with_ranks(changed(max_epochs=9), Scores(), stopping).fit(X, Y)
    found["one rank stops early"] = what(net)

    pipe = make_pipeline(sktsdl.SlidingWindow(6), with_ranks(LSTM))
    grid = {"lstmregressor__lr": [0.01, 0.1], "slidingwindow__window": [4, 6]}
    search = GridSearchCV(pipe, grid, cv=TimeSeriesSplit(2)).fit(ROWS, Y)
    found["search"] = search.cv_results_["mean_test_score"].tolist()

    dist.init_process_group("gloo")
    found["in a group"] = what(with_ranks(LSTM).fit(X, Y))
    total = torch.ones(1)
    dist.all_reduce(total)
    found["the group is still there"] = total.item()
    dist.destroy_process_group()
    return found


def fail():
    """Cause errors on one rank or on all, and train after each of them."""
    found = {}
    net = with_ranks(LSTM).fit(X, Y)
    before = pickle.dumps(what(net))
    net.set_params(callbacks=[Fails(), DataParallel()])
    found["one rank fails"] = error_of(net)
    found["old state"] = pickle.dumps(what(net)) == before
    found["after it"] = what(with_ranks(LSTM).fit(X, Y))

    net.set_params(callbacks=[Interrupts(), DataParallel()])
    found["one rank is interrupted"] = error_of(net)
    found["after an interrupt"] = what(with_ranks(LSTM).fit(X, Y))

    dist.init_process_group("gloo")
    net.set_params(callbacks=[Fails(), DataParallel()])
    found["one rank fails in a group"] = error_of(net)
    found["after it in the group"] = what(with_ranks(LSTM).fit(X, Y))
    dist.destroy_process_group()

    half = slice(RANK, 60, 2)
    found["other rows"] = error_of(with_ranks(LSTM), X[6:][half], Y[6:][half])
    other = ROWS[::-1] if RANK else ROWS
    found["other inputs"] = error_of(
        with_ranks(LSTM), sktsdl.SlidingWindow(6).fit_transform(other)
    )
    loss = "absolute_error" if RANK else "squared_error"
    found["other loss"] = error_of(with_ranks(changed(loss=loss)))
    found["other settings"] = error_of(with_ranks(changed(lr=1 + RANK)))
    found["diverges"] = error_of(with_ranks(changed(optimizer="sgd", lr=1e30)))
    mlp = sktsdl.WindowMLPRegressor(norm="batch")
    found["batch norm"] = error_of(with_ranks(mlp))
    score = EpochScoring("neg_mean_absolute_error", name="score", on_train=True)
    found["cached scores"] = error_of(with_ranks(LSTM, score))
    found["after all"] = what(with_ranks(LSTM).fit(X, Y))
    return found


def die():
    """Train on, after the process of a rank has ended."""
    net = with_ranks(LSTM).fit(X, Y)
    before = pickle.dumps(what(net))
    error = error_of(net.set_params(callbacks=[Dies(), DataParallel()]))
    return {"error": error, "old state": pickle.dumps(what(net)) == before}


if __name__ == "__main__":
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    result = {"compare": compare, "use": use, "fail": fail, "die": die}[TASK]()
    (FOLDER / f"{RANK}.pickle").write_bytes(pickle.dumps(result))
