"""Many series whose next values are forecast once, by nets of all series."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

import sktsdl
from sktsdl import SeasonalNaiveRegressor, SlidingWindow, forecast, make_supervised

from _models import epochs  # isort: skip
from _study import Figures, Model  # isort: skip

N_QUICK = 10  # series
N_SHOWN, N_SEASONS_BEFORE = 9, 7  # of forecasts that are stored
SHARED: dict[str, Any] = {
    "loss": "absolute_error",
    "loss_scale": "window",
    "window_norm": "standard",
    "lr_schedule": "cosine",
    "batch_size": 256,
}


def is_before_last(rows: pd.DataFrame, n: int) -> np.ndarray:
    """Mark the rows of each series but its last `n`."""
    n_after = rows.groupby(level=0).cumcount(ascending=False)
    return np.asarray(n_after >= n)


@dataclass(frozen=True)
class Panel:
    """Series that all end before the values to forecast.

    Parameters
    ----------
    train, test : DataFrame
        The values, in the first column, and what else is known, with the levels of
        series and time; `test` has the rows after `train`, equally many in each series.
    period : int
        The length of a season.
    known : sequence of str
        The columns that are known ahead.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    period: int
    known: Sequence[str] = ()

    @property
    def target(self) -> str:
        """The column that is forecast."""
        return str(self.train.columns[0])

    @property
    def horizon(self) -> int:
        """How many values of each series are forecast."""
        return int(self.test.groupby(level=0).size().iloc[0])

    def earlier(self) -> Panel:
        """Return the panel of training alone, whose last rows are to forecast."""
        is_train = is_before_last(self.train, self.horizon)
        return replace(self, train=self.train[is_train], test=self.train[~is_train])

    def first(self, n_series: int) -> Panel:
        """Return the panel of some series."""
        names = self.test.index.unique(level=0)[:n_series]
        train, test = (rows.loc[list(names)] for rows in (self.train, self.test))
        return replace(self, train=train, test=test)

    def last(self, n_rows: int) -> Panel:
        """Return the panel with the last rows of training alone."""
        return replace(self, train=self.train.groupby(level=0).tail(n_rows))

    def supervised(self, is_log: bool) -> tuple[pd.DataFrame, pd.DataFrame, Any]:
        """Return `X`, `y` and the latest rows, with log(1 + x) of the values if asked.

        Of the rows of `test`, only the columns that are known ahead are used.
        """
        rows = self.train
        if is_log:
            rows = rows.assign(**{self.target: np.log1p(rows[self.target])})
        if self.known:
            rows = pd.concat([rows, self.test[list(self.known)]])
        return make_supervised(
            rows, target=self.target, horizon=self.horizon, known_future=self.known
        )

    def shown(self, found: pd.DataFrame) -> Figures:
        """Return the forecasts of evenly spaced series, and what is around them."""
        names = self.test.index.unique(level=0)
        names = names[np.linspace(0, len(names) - 1, N_SHOWN).astype(int)]
        before = self.last(N_SEASONS_BEFORE * self.period).train
        parts = {"before": before, "truth": self.test, "forecast": found}
        return {"series": list(names)} | {
            key: [rows[self.target].loc[name].round(1).tolist() for name in names]
            for key, rows in parts.items()
        }


class Forecaster(Protocol):
    """How a model is made, and whether it sees log(1 + x), and forecasts it."""

    @property
    def is_log(self) -> bool: ...

    def make(self, seed: int, quick: bool) -> Any: ...


@dataclass(frozen=True)
class Net:
    """A net in its pipeline.

    Parameters
    ----------
    kind : str
        The name of the regressor, without its ending.
    window : int
        How many rows it sees.
    is_log : bool
        Whether it sees log(1 + x), and forecasts it.
    params : dict
        Of the regressor, beside `SHARED`.
    """

    kind: str
    window: int
    is_log: bool
    params: dict[str, Any]

    def make(self, seed: int, quick: bool) -> Any:
        """Return the pipeline."""
        net = getattr(sktsdl, f"{self.kind}Regressor")(**SHARED | self.params)
        net.set_params(max_epochs=epochs(quick, net.max_epochs), random_state=seed)
        return make_pipeline(SlidingWindow(self.window), net)


def forecasts(panel: Panel, model: Any, is_log: bool) -> tuple[pd.DataFrame, Figures]:
    """Fit to all series, and return the forecasts, seconds and weights."""
    start = time.process_time()
    X, y, X_latest = panel.supervised(is_log)
    model.fit(X, y)
    figures: Figures = {"fit, s": time.process_time() - start}
    if hasattr(model, "steps") and hasattr(model[-1], "n_parameters_"):
        figures["weights"] = model[-1].n_parameters_
    found = forecast(model, X_latest)[[panel.target]].reindex(panel.test.index)
    return (found.transform(np.expm1) if is_log else found), figures


@dataclass(frozen=True)
class Competition:
    """A panel, how its forecasts are scored, and the models that forecast it.

    Parameters
    ----------
    load : callable
        Returns the panel.
    score : callable
        From the panel and forecasts to figures.
    """

    load: Callable[[], Panel]
    score: Callable[[Panel, pd.DataFrame], Figures]

    def panel(self, is_final: bool, quick: bool) -> Panel:
        """Return the panel, or, for development, the panel of training alone."""
        panel = self.load()
        panel = panel.first(N_QUICK) if quick else panel
        return panel if is_final else panel.earlier()

    def naive(self, is_final: bool, seed: int, quick: bool) -> Figures:
        """Return the figures of the last season, repeated."""
        panel = self.panel(is_final, quick)
        model = SeasonalNaiveRegressor(panel.period)
        found, figures = forecasts(panel, model, is_log=False)
        return {**self.score(panel, found), **figures, **panel.shown(found)}

    def mean(
        self, nets: Sequence[Forecaster], is_final: bool, seed: int, quick: bool
    ) -> Figures:
        """Return the errors of the mean forecast of some nets, and sums of the rest."""
        panel = self.panel(is_final, quick)
        found, figures = zip(
            *(
                forecasts(panel, net.make(len(nets) * seed + i, quick), net.is_log)
                for i, net in enumerate(nets)
            ),
            strict=True,
        )
        sums = {key: sum(each[key] for each in figures) for key in figures[0]}
        of_all = sum(found) / len(nets)
        shown = panel.shown(of_all) if seed == 0 else {}
        return {**self.score(panel, of_all), **sums, **shown}

    def models(
        self,
        nets: Mapping[str, Forecaster],
        means: Mapping[str, Sequence[Forecaster]],
        is_final: bool,
        n_seeds: int,
    ) -> dict[str, Model]:
        """Return the rows of a table: nets, and means of several nets of one seed."""
        made = {"seasonal naive": Model(partial(self.naive, is_final))}
        for name, net in nets.items():
            made[name] = Model(partial(self.mean, [net], is_final), n_seeds)
        for name, members in means.items():
            made[name] = Model(partial(self.mean, members, is_final))
        return made
