"""Texts that the docstrings of the metrics share."""

Y_TRUE = """\
y_true : array-like of shape (n_rows,) or (n_rows, n_steps)
    The true values; columns are the steps of a horizon. Its rows are many series
    if it is a Series or a DataFrame whose index is a MultiIndex with the time as
    its last level."""

Y_PRED = """\
y_pred : array-like of the shape of `y_true`
    The forecasts of the same rows, in the same order."""

Y_TRAIN = """\
y_train : array-like of shape (n_train,) or (n_train, 1)
    The training rows in order of time, one for each time step; of many series,
    with a MultiIndex as of `y_true`. NaN before the first known value of a series
    is ignored, and so are series that are not in `y_true`.
period : int, default=1
    The number of rows in a season, the :math:`m` of the equation."""

SCALED = """\
ValueError
    If a value is NaN or infinite, if the rows or columns do not fit together, or
    if a series has no scale: no training rows, no more than `period` of them, or
    rows that repeat themselves after `period` rows."""

TEXTS = {"y_true": Y_TRUE, "y_pred": Y_PRED, "y_train": Y_TRAIN, "scaled": SCALED}
