"""Searches, backends of joblib, and callbacks of other packages."""

from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.ensemble import VotingRegressor
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EpochScoring,
    MlflowLogger,
    ProgressBar,
    TensorBoard,
    TrainEndCheckpoint,
)

from sktsdl import SlidingWindow
from tests.ecosystem.models import TEST, TRAIN, WINDOW, X, Y, fitted, net, pipeline

MAE = "neg_mean_absolute_error"
CV = TimeSeriesSplit(2)
ROOT = str(Path(__file__).parents[2])
LR = "windowmlpregressor__lr"
GRID = {LR: [1e-3, 1e-2]}


def search(model=None, **params):
    return GridSearchCV(model or pipeline(), GRID, cv=CV, scoring=MAE, **params)


def scores_of(fitted_search):
    return fitted_search.cv_results_["mean_test_score"]


def voting():
    """An ensemble behind the windows, whose net names a channel."""
    coded = net(categorical_features=["code"])
    return pipeline(VotingRegressor([("one", coded), ("two", net())], n_jobs=2))


def coded_rows():
    return X.assign(code=np.arange(len(X)) % 3)


# Backends


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_backends_of_joblib(backend):
    with joblib.parallel_config(backend, n_jobs=2):
        together = scores_of(search().fit(X, Y))
    np.testing.assert_array_equal(together, scores_of(search().fit(X, Y)))


@pytest.fixture(scope="module", params=[False, True], ids=["threads", "processes"])
def dask_client(request):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(
        n_workers=2 if request.param else 1,
        threads_per_worker=1 if request.param else 2,
        processes=request.param,
        dashboard_address=None,
    ) as client:
        yield client


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_search_by_dask(dask_client):
    with joblib.parallel_config("dask"):
        together = scores_of(search().fit(X, Y))
    np.testing.assert_array_equal(together, scores_of(search().fit(X, Y)))


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_dask_keeps_the_names_of_channels(dask_client):
    rows = coded_rows()
    alone = voting().fit(rows, Y).predict(rows)
    with joblib.parallel_config("dask"):
        together = voting().fit(rows, Y).predict(rows)
    np.testing.assert_array_equal(together, alone)


def test_dask_arrays():
    dask = pytest.importorskip("dask")
    arrays = pytest.importorskip("dask.array")
    model = pipeline().fit(X[TRAIN].to_numpy(), Y[TRAIN])
    rows = arrays.from_array(X[TEST].to_numpy(), chunks=30)
    expected = model.predict(X[TEST].to_numpy())
    np.testing.assert_array_equal(model.predict(rows), expected)
    later = dask.delayed(model.predict)(X[TEST].to_numpy())
    np.testing.assert_array_equal(later.compute(scheduler="threads"), expected)
    windows = arrays.from_array(
        np.asarray(model[0].transform(rows)), chunks=(10, -1, -1)
    )
    blocks = windows.map_blocks(model[1].predict, drop_axis=(1, 2), dtype=float)
    np.testing.assert_array_equal(blocks.compute(scheduler="threads"), expected)


# ray


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
        runtime_env={"env_vars": {"PYTHONPATH": ROOT}},
    )
    yield ray
    ray.shutdown()


@pytest.mark.filterwarnings("ignore")  # ray warns of its own and of its settings
def test_a_search_by_ray(ray):
    from ray.util.joblib import register_ray

    register_ray()
    with joblib.parallel_config("ray", n_jobs=2):
        together = scores_of(search().fit(X, Y))
    np.testing.assert_array_equal(together, scores_of(search().fit(X, Y)))
    windows = SlidingWindow(WINDOW).fit_transform(X)
    again = ray.get(ray.put(windows))
    np.testing.assert_array_equal(again, windows)
    assert list(again.names) == list(windows.names)


class TuneReport(Callback):
    """Reports each epoch to Ray Tune, which may stop the trial."""

    def on_epoch_end(self, net, **kwargs):
        from ray import tune

        tune.report({"loss": net.history[-1, "train_loss"]})


@pytest.mark.filterwarnings("ignore")
def test_ray_tune_stops_trials_by_a_callback(ray, tmp_path):
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    def trial(config):
        pipeline(net(lr=config["lr"], max_epochs=4, callbacks=[TuneReport()])).fit(X, Y)

    results = tune.Tuner(
        trial,
        param_space={"lr": tune.grid_search([1e-2, 1e-5])},
        tune_config=tune.TuneConfig(
            metric="loss",
            mode="min",
            max_concurrent_trials=1,
            scheduler=ASHAScheduler(grace_period=1, max_t=4, reduction_factor=2),
        ),
        run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0),
    ).fit()
    epochs = {
        result.config["lr"]: result.metrics["training_iteration"] for result in results
    }
    assert epochs == {1e-2: 4, 1e-5: 1}


# Optuna and scikit-optimize


@pytest.fixture
def optuna():
    optuna = pytest.importorskip("optuna")
    optuna.logging.disable_default_handler()
    return optuna


class Report(Callback):
    """Reports each epoch to Optuna, which may prune the trial."""

    def __init__(self, trial):
        self.trial = trial

    def on_epoch_end(self, net, **kwargs):
        import optuna

        self.trial.report(net.history[-1, "train_loss"], len(net.history))
        if self.trial.should_prune():
            raise optuna.TrialPruned


def skorch_pruning(trial):
    integration = pytest.importorskip("optuna_integration")
    return integration.SkorchPruningCallback(trial, "train_loss")


@pytest.mark.parametrize("callback", [Report, skorch_pruning])
def test_optuna_prunes_by_a_callback(optuna, callback):
    rates = iter([1e-2, 1e-6])

    def objective(trial):
        model = pipeline(net(lr=next(rates), callbacks=[callback(trial)]))
        return fitted(model)[-1].loss_curve_[-1]

    pruner = optuna.pruners.MedianPruner(n_startup_trials=1)
    study = optuna.create_study(pruner=pruner)
    study.optimize(objective, n_trials=2)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED"]
    assert [len(trial.intermediate_values) for trial in study.trials] == [3, 1]


def test_an_optuna_study_in_threads(optuna):
    def objective(trial):
        lr = trial.suggest_categorical("lr", [1e-3, 1e-2])
        model = pipeline().set_params(**{LR: lr})
        return cross_val_score(model, X, Y, cv=CV, scoring=MAE).mean()

    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0)
    )
    study.optimize(objective, n_trials=2, n_jobs=2)
    found = {trial.params["lr"]: trial.value for trial in study.trials}
    expected = dict(zip(GRID[LR], scores_of(search().fit(X, Y)), strict=True))
    assert set(found) <= set(expected)
    assert all(expected[lr] == value for lr, value in found.items())


@pytest.mark.filterwarnings("ignore:OptunaSearchCV is experimental")
@pytest.mark.filterwarnings("ignore:`optuna.terminator` module:FutureWarning")
def test_optuna_search_cv(optuna):
    integration = pytest.importorskip("optuna_integration")
    choices = optuna.distributions.CategoricalDistribution(GRID[LR])
    found = integration.OptunaSearchCV(
        pipeline(), {LR: choices}, cv=CV, n_trials=2, scoring=MAE, random_state=0
    ).fit(X, Y)
    expected = dict(zip(GRID[LR], scores_of(search().fit(X, Y)), strict=True))
    assert found.best_score_ == expected[found.best_params_[LR]]


def test_bayes_search_cv():
    skopt = pytest.importorskip("skopt")
    rates = skopt.space.Categorical(GRID[LR])
    found = skopt.BayesSearchCV(
        pipeline(), {LR: rates}, n_iter=2, cv=CV, scoring=MAE, random_state=0
    ).fit(X, Y)
    expected = dict(zip(GRID[LR], scores_of(search().fit(X, Y)), strict=True))
    assert found.best_score_ == expected[found.best_params_[LR]]


# Callbacks of skorch


def test_epoch_scoring_is_in_units_of_y():
    scoring = EpochScoring(MAE, name="mae", lower_is_better=False)
    model = fitted(pipeline(net(callbacks=[scoring], early_stopping=True)))
    n_valid = 9  # a tenth of the complete windows, rounded up
    forecasts = model.predict(X[TRAIN])[-n_valid:]
    best = int(np.argmin(model[-1].validation_loss_curve_))
    expected = -np.abs(forecasts - Y[TRAIN][-n_valid:]).mean()
    assert model[-1].net_.history[best, "mae"] == pytest.approx(expected, rel=1e-5)


def test_checkpoints(tmp_path):
    at_end = TrainEndCheckpoint(dirname=str(tmp_path / "end"))
    best = Checkpoint(dirname=str(tmp_path / "best"), monitor="train_loss_best")
    model = fitted(pipeline(net(callbacks=[at_end, best])))
    import torch

    for name in ("end/train_end_params.pt", "best/params.pt"):
        weights = torch.load(tmp_path / name, weights_only=True)
        for key, value in model[-1].module_.state_dict().items():
            assert torch.equal(weights[key], value)


def test_a_progress_bar_of_skorch(capfd):
    fitted(pipeline(net(callbacks=[ProgressBar()])))
    assert "it/s" in capfd.readouterr().err


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(tmp_path)
    model = fitted(pipeline(net(callbacks=[TensorBoard(writer)])))
    writer.flush()
    events = EventAccumulator(str(tmp_path)).Reload()
    losses = [event.value for event in events.Scalars("Loss/train_loss")]
    np.testing.assert_allclose(losses, model[-1].loss_curve_, rtol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_mlflow_logger(mlflow_uri, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    client = mlflow.tracking.MlflowClient(mlflow_uri)
    run = client.create_run(client.create_experiment("nets", tmp_path.as_uri()))
    logger = MlflowLogger(run, client, create_artifact=False)
    model = fitted(pipeline(net(callbacks=[logger])))
    metrics = client.get_metric_history(run.info.run_id, "train_loss")
    losses = [metric.value for metric in metrics]
    np.testing.assert_allclose(losses, model[-1].loss_curve_)
