"""Unusual and wrong input: it works, or one clear error says what to change."""

import tempfile

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import torch
from scipy import sparse
from sklearn.base import is_regressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline

import sktsdl
from tests.estimators import (
    CLASSES,
    NETS,
    PASS_X_ON,
    TAKE_WINDOWS,
    every_estimator,
    every_net,
    output,
    small,
    target_for,
)

N = 40


def rows(n=N):
    """Positive rows of two columns with a daily index, and a target."""
    index = pd.date_range("2020-01-01", periods=n, freq="D")
    values = np.exp(np.random.default_rng(0).normal(0, 0.1, size=(n, 2)).cumsum(axis=0))
    X = pd.DataFrame(values, index=index, columns=["rail", "bus"])
    return X, X["rail"].shift(-1).fillna(1.0)


def put(value, dtype=float):
    def change(X, y):
        X = X.astype(dtype)
        X.iloc[20, 0] = value
        return X, y

    return change


def on_array(change):
    return lambda X, y: (change(X.to_numpy()), y.to_numpy())


def reindexed(index):
    return lambda X, y: (X.set_axis(index(X.index)), y)


def duplicated(index):
    return index[:20].append(index[19:-1])


def masked(values):
    return np.ma.masked_array(values, mask=np.zeros_like(values, dtype=bool))


def memory_mapped(values):
    with tempfile.TemporaryFile() as file:
        mapped = np.memmap(file, dtype=values.dtype, mode="w+", shape=values.shape)
    mapped[:] = values
    return mapped


def read_only(values):
    values = values.copy()
    values.setflags(write=False)
    return values


# Each works on every estimator, and gives finite outputs.
WORKS = {
    "integers": lambda X, y: ((10 * X).round().astype(int), y),
    "a column of booleans": lambda X, y: (X.assign(bus=X["bus"] > 0), y),
    "float16": lambda X, y: (X.astype(np.float16), y),
    "float32": lambda X, y: (X.astype(np.float32), y.astype(np.float32)),
    "small": lambda X, y: (X * 1e-30, y * 1e-30),
    "denormal": lambda X, y: (X * 1e-310, y * 1e-310),
    "a constant column": lambda X, y: (X.assign(bus=3.0), y),
    "constant columns": lambda X, y: (X * 0 + 3.0, y),
    "a constant target": lambda X, y: (X, y * 0 + 7.0),
    "a target of one column": lambda X, y: (X, y.to_frame()),
    "a target of three columns": lambda X, y: (
        X,
        pd.concat([y, 2 * y, y**2], axis=1, keys=["rail+1", "rail+2", "rail+3"]),
    ),
    "lists": lambda X, y: (X.to_numpy().tolist(), y.tolist()),
    "masked arrays without a mask": on_array(masked),
    "Fortran order": on_array(np.asfortranarray),
    "not contiguous": on_array(lambda values: np.repeat(values, 2, axis=1)[:, ::2]),
    "backwards in memory": on_array(lambda values: values[::-1].copy()[::-1]),
    "read-only": on_array(read_only),
    "memory-mapped": on_array(memory_mapped),
    "big-endian": on_array(lambda values: values.astype(">f8")),
    "objects that are numbers": lambda X, y: (X.astype(object), y),
    "extension types": lambda X, y: (X.astype("Float64"), y.astype("Float64")),
    "polars": lambda X, y: (pl.from_pandas(X), pl.from_pandas(y)),
    "tensors": on_array(torch.tensor),
    "months": reindexed(lambda i: pd.period_range("2020", periods=N, freq="M")),
    "names of rows": reindexed(lambda i: [f"row {k}" for k in range(N)]),
}

# These are no labels of two classes in one dimension.
NO_LABELS = (
    "a constant target",
    "a target of one column",
    "a target of three columns",
)

# Each works on every estimator that reads the values of X itself.
TENSORS = {
    "bfloat16": lambda values: torch.tensor(values).bfloat16(),
    "with gradients": lambda values: torch.tensor(values, requires_grad=True),
}

# Each is refused by every estimator that reads the values, with this message.
ERRORS = {
    "complex": (lambda X, y: (X.to_numpy() * 1j, y), "^Complex data not supported"),
    "strings": (
        lambda X, y: (X.astype(str) + "a", y),
        r"'1\.0126\d+a' in row 0 \(2020-01-01 .*column 'rail'.*encode this column",
    ),
    "dates": (
        lambda X, y: (X.assign(rail=X.index), y),
        r"^Column 'rail' of X holds dates or times.*drop this column, as the index has "
        "the times, or encode",
    ),
    "sparse": (
        lambda X, y: (sparse.csr_array(X.to_numpy()), y),
        r"^Sparse data was passed.*toarray\(\)",
    ),
    "infinity": (
        put(np.inf),
        r"infinity in row 20 \(2020-01-21 .*column 'rail'.*fill it or drop the row",
    ),
    "one dimension": (
        lambda X, y: (X["rail"].to_numpy(), y),
        "^Expected 2D array, got 1D array",
    ),
    "four dimensions": (
        lambda X, y: (X.to_numpy()[:, :, None, None], y),
        r"^Found array with dim 4\b.*<= 2",
    ),
    "no rows": (
        lambda X, y: (X[:0], y[:0]),
        r"0 sample\(s\) \(shape=\(0,.*minimum of [12] is required",
    ),
    "no columns": (
        lambda X, y: (X[[]], y),
        r"0 feature\(s\) \(shape=\(40, 0\)\).*select at least one column",
    ),
    "two columns of one name": (
        lambda X, y: (X.set_axis(["rail", "rail"], axis=1), y),
        "^X has two columns named 'rail': rename or drop one",
    ),
}

OTHER_MESSAGES = {
    "strings": [
        (
            PASS_X_ON,
            r"^could not convert string to float: '1\.0126\d+a'",
        )
    ],
    "dates": [
        (PASS_X_ON, "DateTime64DType.* could not be promoted"),
    ],
    "infinity": [(PASS_X_ON, "^Input X contains infinity")],
}
OF_THE_REGRESSOR = ("sparse", "no columns", "two columns of one name")


def message_of(cls, kind, of_fit=False):
    """Return the pattern of the message with which `cls` refuses this input."""
    if of_fit and (cls, kind) == (sktsdl.PurgedRegressor, "no rows"):
        return "^purge=0 leaves none of the n_samples=0 rows.* a smaller purge"
    for classes, message in OTHER_MESSAGES.get(kind, ()):
        if cls in classes:
            return message
    return ERRORS[kind][1]


def finite(estimator, found):
    if is_regressor(estimator):
        return np.isfinite(found).all()
    known = ~np.isnan(found)
    return bool(known[-1].all()) and not np.isinf(found).any()


@pytest.mark.parametrize("kind", WORKS)
@every_estimator
@pytest.mark.filterwarnings("ignore:X is a DataFrame with a time index")
def test_unusual_input_works(cls, kind):
    if cls is sktsdl.NetClassifier and kind in NO_LABELS:
        return
    X, y = WORKS[kind](*rows())
    estimator = small(cls).fit(X, target_for(cls, y))
    assert finite(estimator, output(estimator, X))


@pytest.mark.parametrize(
    ("cls", "kind"),
    [
        (cls, kind)
        for cls in CLASSES
        for kind in ERRORS
        # The regressor inside decides on these.
        if not (cls in PASS_X_ON and kind in OF_THE_REGRESSOR)
    ],
)
@pytest.mark.filterwarnings("ignore:X is a DataFrame with a time index")
def test_bad_input_is_an_error_that_says_why(cls, kind):
    change, _ = ERRORS[kind]
    X, y = rows()
    bad, bad_y = change(X, target_for(cls, y))
    y = target_for(cls, y)
    message = message_of(cls, kind, of_fit=True)
    with pytest.raises((ValueError, TypeError), match=message):
        small(cls).fit(bad, bad_y)
    if not isinstance(bad, pd.DataFrame):
        X = X.to_numpy()
    estimator = small(cls).fit(X, y)
    with pytest.raises((ValueError, TypeError), match=message_of(cls, kind)):
        output(estimator, bad)


HUGE = {
    "all": (lambda X, y: (X * 1e300, y * 1e300), r"1\.01265e\+300"),
    "one value": (lambda X, y: (X.where(X.iloc[20, 0] != X, 1e300), y), r"1e\+300"),
}


@pytest.mark.parametrize("kind", HUGE)
@every_estimator
@pytest.mark.filterwarnings("ignore:X is a DataFrame with a time index")
def test_huge_numbers_work_or_say_so(cls, kind):
    change, value = HUGE[kind]
    X, y = change(*rows())
    estimator = small(cls)
    if cls is sktsdl.MiniRocket:
        with pytest.raises(
            ValueError, match=rf"^Channel 0 of X holds {value}, too far"
        ):
            estimator.fit(X, y)
    elif issubclass(cls, NETS):
        with pytest.raises(ValueError, match=r"^Channel 0 of X.*squares overflow"):
            estimator.fit(X, target_for(cls, y))
        y = target_for(cls, rows()[1])
        fitted = estimator.fit(rows()[0], y)
        message = rf"^Channel 0 of X holds {value}, too far.*divide the channel"
        with pytest.raises(ValueError, match=message):
            fitted.predict(X)
        if is_regressor(estimator):
            with pytest.raises(ValueError, match=r"^Column 0 of y.*squares overflow"):
                fitted.fit(rows()[0], 1e300 * rows()[1])
    elif "regressor" not in vars(estimator):  # a regressor inside has its own limits
        assert finite(estimator, output(estimator.fit(X, y), X))


# The most rows that are too few, and the message that says so.
TOO_FEW = {
    sktsdl.RelativeTargetRegressor: (2, r"n_samples={n}\), and none .* of period=3"),
    sktsdl.ConformalRegressor: (1, "n_samples={n} rows.*a smaller calibration_fract"),
    sktsdl.RatioLogScaler: (1, r"{n} sample\(s\).*minimum of 2 is required"),
    sktsdl.SeasonalDifference: (2, r"n_samples={n}\).* period=3 .* at least 4 rows"),
    sktsdl.SeasonalNaiveRegressor: (2, r"n_samples={n}\).*fewer than period=3"),
    sktsdl.NetClassifier: (1, "^y has one class"),
}


@pytest.mark.parametrize("n", [1, 2])
@every_estimator
@pytest.mark.filterwarnings("ignore:X is a DataFrame with a time index")
def test_one_row_or_two_work_or_say_so(cls, n):
    X, y = rows(n)
    y = target_for(cls, y)
    most, message = TOO_FEW.get(cls, (0, ""))
    if n <= most:
        with pytest.raises(ValueError, match=message.format(n=n)):
            small(cls).fit(X, y)
        return
    found = output(small(cls).fit(X, y), X)
    assert len(found) == n
    assert not is_regressor(small(cls)) or np.isfinite(found).all()


@every_estimator
@pytest.mark.filterwarnings("ignore:X is a DataFrame with a time index")
def test_a_missing_value_of_an_extension_type_is_a_missing_value(cls):
    X, y = rows()
    X, y = X.astype("Float64"), target_for(cls, y)
    X.iloc[20, 0] = pd.NA
    estimator = small(cls)
    if estimator.__sklearn_tags__().input_tags.allow_nan:
        found = output(estimator.fit(X, y), X)
        if cls is sktsdl.ForwardFill:
            assert found[20, 0] == found[19, 0]
        else:
            assert np.isnan(found[20]).any()
    else:
        place = "" if cls in PASS_X_ON else r" in row 20 \(.*column 'rail': put `Forw"
        with pytest.raises(ValueError, match=f"^Input X contains NaN{place}"):
            estimator.fit(X, y)


READS_X = pytest.mark.parametrize("cls", [c for c in CLASSES if c not in PASS_X_ON])


@READS_X
@pytest.mark.parametrize("form", [lambda X: X, pd.DataFrame.to_numpy])
@pytest.mark.filterwarnings("ignore:X is a DataFrame with a time index")
def test_na_among_objects_is_a_missing_value(cls, form):
    X, y = rows()
    y = target_for(cls, y)
    with_nan, with_na = form(put(np.nan)(X, y)[0]), form(put(pd.NA, object)(X, y)[0])
    estimator = small(cls)
    if estimator.__sklearn_tags__().input_tags.allow_nan:
        found = output(estimator.fit(with_na, y), with_na)
        expected = output(small(cls).fit(with_nan, y), with_nan)
        np.testing.assert_allclose(found, expected, rtol=1e-9)
        return
    message = r"^Input X contains NaN in row 20\b"
    with pytest.raises(ValueError, match=message):
        estimator.fit(with_na, y)
    estimator.fit(form(X), y)
    with pytest.raises(ValueError, match=message):
        output(estimator, with_na)


@pytest.mark.parametrize(
    "cls",
    [c for c in CLASSES if is_regressor(small(c)) and c is not sktsdl.PurgedRegressor],
)
def test_na_among_objects_of_y_is_a_missing_target(cls):
    X, y = (values.to_numpy() for values in rows())
    y = y.astype(object)
    y[3] = pd.NA
    for targets in (y, pd.Series(y), y.tolist()):
        with pytest.raises(ValueError, match=r"y contains NaN"):
            small(cls).fit(X, targets)


@pytest.mark.parametrize("form", [np.asarray, lambda values: values.tolist()])
def test_na_in_windows_is_unknown_history_or_an_error(form):
    windows = np.random.default_rng(0).normal(size=(20, 4, 2)).astype(object)
    y = np.arange(20.0)
    windows[0, :2, 1] = pd.NA
    floats = np.where(pd.isna(windows), np.nan, windows).astype(float)
    net = sktsdl.WindowMLPRegressor(max_epochs=1, random_state=0)
    expected = net.fit(floats, y).predict(floats)
    np.testing.assert_array_equal(net.fit(form(windows), y).predict(windows), expected)
    windows[5, 2, 0] = pd.NA
    with pytest.raises(ValueError, match=r"X contains NaN in row 5, step 2"):
        net.predict(form(windows))
    with pytest.raises(ValueError, match=r"^X_val or y_val.*NaN in row 5, step 2"):
        net.fit(floats, y, X_val=form(windows), y_val=y)


def test_na_and_tensors_as_weights():
    X, y = rows()
    net = sktsdl.WindowMLPRegressor(max_epochs=2, random_state=0)
    weights = np.arange(1.0, N + 1)
    expected = net.fit(X.to_numpy(), y, sample_weight=weights).predict(X.to_numpy())
    given = torch.tensor(weights).bfloat16()
    net.fit(X.to_numpy(), y, sample_weight=given)
    np.testing.assert_array_equal(net.predict(X.to_numpy()), expected)
    missing = pd.Series(weights).astype(object)
    missing[3] = pd.NA
    with pytest.raises(ValueError, match="sample_weight contains NaN"):
        net.fit(X.to_numpy(), y, sample_weight=missing)


@pytest.mark.parametrize(
    "make", [lambda t: t.to("meta"), torch.Tensor.to_sparse], ids=["meta", "sparse"]
)
def test_tensors_without_plain_values_are_refused(make):
    X, y = rows()
    tensor = torch.tensor(X.to_numpy())
    for cls in (sktsdl.WindowMLPRegressor, sktsdl.SlidingWindow):
        with pytest.raises(TypeError, match=r"^X is a tensor without plain values"):
            small(cls).fit(make(tensor), y)
    with pytest.raises(TypeError, match=r"^y is a tensor without plain values"):
        sktsdl.WindowMLPRegressor().fit(tensor, make(torch.tensor(y.to_numpy())))


@READS_X
@pytest.mark.parametrize("kind", TENSORS)
def test_unusual_tensors_work(cls, kind):
    X, y = (values.to_numpy() for values in rows())
    X, y = TENSORS[kind](X), target_for(cls, y)
    y = TENSORS[kind](y) if is_regressor(small(cls)) else y
    assert finite(small(cls), output(small(cls).fit(X, y), X))


@READS_X
def test_tensors_under_array_api_dispatch_are_arrays(cls, monkeypatch):
    if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8):
        pytest.importorskip("array_api_compat")
    X, y = (values.to_numpy() for values in rows())
    y = y if is_regressor(small(cls)) else y > 1
    expected = output(small(cls).fit(X, y), X)
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    with sklearn.config_context(array_api_dispatch=True):
        fitted = small(cls).fit(torch.tensor(X), torch.tensor(y))
        np.testing.assert_array_equal(output(fitted, torch.tensor(X)), expected)


def test_tensors_as_a_series_and_as_tasks():
    X, y = (torch.tensor(values.to_numpy()).bfloat16() for values in rows())
    features, target, _ = sktsdl.make_supervised(X, target=0)
    np.testing.assert_array_equal(features[1:, 0], target[:-1])
    net = sktsdl.WindowMLPRegressor(max_epochs=1, random_state=0)
    both = sktsdl.MultiTaskNet(net).fit(X, torch.stack([y, -y], dim=1))
    assert np.isfinite(both.predict(X)).all()


# Raised by the steps that look back; a net is tested behind one.
INDEX_ERRORS = {
    "backwards": (lambda index: index[::-1], r"does not increase at row 1 \("),
    "a day twice": (duplicated, r"does not increase at row 20 \("),
    "a day without a date": (
        lambda index: index.where(np.arange(N) != 20),
        r"^The index of X has a missing time in row 20: fill it, or drop the row\.",
    ),
}


def looking_back(cls):
    """Construct a pipeline of `cls`, or None if it does not look back."""
    others = (sktsdl.LagsToWindows, sktsdl.RelativeTargetRegressor)
    if issubclass(cls, (*PASS_X_ON, *others)):
        return None
    if issubclass(cls, TAKE_WINDOWS):
        return make_pipeline(sktsdl.SlidingWindow(4), small(cls))
    return small(cls)


LOOKING_BACK = pytest.mark.parametrize("cls", list(filter(looking_back, CLASSES)))


@pytest.mark.parametrize("kind", INDEX_ERRORS)
@LOOKING_BACK
def test_an_index_out_of_order_is_an_error(cls, kind):
    change, message = INDEX_ERRORS[kind]
    X, y = rows()
    bad, y = X.set_axis(change(X.index)), target_for(cls, y)
    with pytest.raises(ValueError, match=message):
        looking_back(cls).fit(bad, y)
    estimator = looking_back(cls).fit(X, y)
    with pytest.raises(ValueError, match=message):
        output(estimator, bad)


@LOOKING_BACK
def test_naive_and_aware_times_are_not_mixed(cls):
    X, y = rows()
    aware = X.tz_localize("Europe/Berlin")
    estimator = looking_back(cls).fit(aware, target_for(cls, y))
    expected = output(estimator, aware)
    found = output(estimator, aware.tz_convert("UTC"))
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match=r"naive.*tz-aware.*tz_localize"):
        output(estimator, X)


@every_net
def test_fewer_rows_than_the_window_are_an_error(cls):
    X, y = rows()
    pipe = make_pipeline(sktsdl.SlidingWindow(12), small(cls))
    with pytest.raises(ValueError, match=r"None of the 11 windows of 12 rows"):
        pipe.fit(X[:11], y[:11])
    fitted = pipe.fit(X, y)
    assert np.isfinite(fitted.predict(X[:5])).all()


def as_polars(X):
    return pl.from_pandas(X.reset_index(drop=True))


TIMES = {
    "dates of pandas": lambda X: X.assign(when=X.index),
    "with a time zone": lambda X: X.assign(when=X.index.tz_localize("Europe/Berlin")),
    "spans": lambda X: X.assign(when=X.index - X.index[0]),
    "periods": lambda X: X.assign(when=X.index.to_period("D")),
    "objects": lambda X: X.assign(when=X.index.date),
    "dates of polars": lambda X: as_polars(X.assign(when=X.index)),
    "spans of polars": lambda X: as_polars(X.assign(when=X.index - X.index[0])),
}


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize(
    "cls", [sktsdl.SlidingWindow, sktsdl.RatioLogScaler, sktsdl.WindowMLPRegressor]
)
@pytest.mark.filterwarnings("ignore:X is a DataFrame with a time index")
def test_a_column_of_times_is_named(cls, kind):
    X, y = rows()
    with pytest.raises(ValueError, match=r"^Column 'when' of X holds dates or times"):
        cls().fit(TIMES[kind](X), y)


TEXT_OF_DATES = {
    "%Y-%m-%d": "pd.to_datetime(X.pop('when'))",
    "%d.%m.%Y": "pd.to_datetime(X.pop('when'), dayfirst=True)",
}


@pytest.mark.parametrize("form", TEXT_OF_DATES)
@READS_X
@pytest.mark.filterwarnings("ignore:X is a DataFrame with a time index")
def test_a_column_of_text_that_holds_dates_is_to_be_the_index(cls, form):
    X, y = rows()
    days, y = X.index, target_for(cls, y)
    X = X.reset_index(drop=True)
    X.insert(0, "when", days.strftime(form))
    if cls in (sktsdl.SeasonalNaiveRegressor, sktsdl.RelativeTargetRegressor):
        make_it = small(cls).set_params(column="when")  # they read no other column
    else:
        make_it = small(cls)
    with pytest.raises(ValueError, match=r"'when', which is not a number: ") as caught:
        make_it.fit(X, y)
    message = str(caught.value)
    code = TEXT_OF_DATES[form]
    assert message.endswith(
        "make the dates the index, by `make_supervised(..., time='when')` or "
        f"`X.index = {code}`."
    )
    X.index = eval(code, {"pd": pd, "X": X})
    assert list(X.index) == list(days)
    small(cls).fit(X, y)


@READS_X
@pytest.mark.filterwarnings("ignore:X is a DataFrame with a time index")
def test_numbers_with_a_decimal_comma_are_to_be_read_as_numbers(cls):
    X, y = rows()
    text = X.map("{:.2f}".format).apply(lambda column: column.str.replace(".", ","))
    with pytest.raises(ValueError, match=r"holds '1,.*read_csv\(\.\.\., decimal=','\)"):
        small(cls).fit(text, target_for(cls, y))


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("1,234.5", r"`pd.read_csv\(..., thousands=','\)`"),
        ("1.234,5", r"`pd.read_csv\(..., decimal=','\)`"),
        ("-", r"`pd.read_csv\(..., na_values='-'\)`"),
        ("north", "such as by `OrdinalEncoder`, or drop it"),
    ],
)
def test_text_of_a_file_names_the_option_that_reads_it(text, way_out):
    X, y = rows()
    X = X.astype(object)
    X.iloc[3, 0] = text
    with pytest.raises(ValueError, match=rf"in row 3 .*, column 'rail'.*{way_out}"):
        sktsdl.SlidingWindow(3).fit(X, y)


def test_a_step_that_takes_rows_is_to_stand_before_windows():
    X, y = rows()
    model = make_pipeline(sktsdl.SlidingWindow(3), sktsdl.ForwardFill())
    with pytest.raises(ValueError, match=r"by ForwardFill: .* before the step that"):
        model.fit(X, y)


def test_flattened_windows_of_a_net_need_no_missing_value():
    X, y = rows()
    net = sktsdl.WindowMLPRegressor(hidden_sizes=(2,), max_epochs=1)
    model = make_pipeline(sktsdl.SlidingWindow(3, flatten=True), net)
    with pytest.raises(
        ValueError, match=r"'rail_lag2': of unknown history, .*pad='edg"
    ):
        model.fit(X, y)
    model.set_params(slidingwindow__pad="edge").fit(X, y)


def test_text_of_dates_after_dates_of_training_is_an_error():
    X, y = rows()
    for step in (sktsdl.SlidingWindow(3), sktsdl.ForwardFill()):
        step.fit(X[:30], y[:30])
        later = X[33:].set_axis(X.index[33:].strftime("%Y-%m-%d"))
        with pytest.raises(
            ValueError, match=r"holds text, .* `X.index = pd.to_datetime"
        ):
            step.transform(later)


def test_text_in_place_of_a_target_names_its_row():
    X, y = rows()
    for model in (sktsdl.WindowMLPRegressor(), sktsdl.ConformalRegressor(Ridge())):
        with pytest.raises(ValueError, match=r"y holds 'up' in row 0 .*NetClassifier"):
            model.fit(X.to_numpy(), pd.Series(np.where(y > 1, "up", "down"), X.index))
        with pytest.raises(ValueError, match=r"y holds '1,0' in row 0 .*decimal=','"):
            model.fit(X.to_numpy(), pd.DataFrame({"a": ["1,0"] * N}, X.index))


@pytest.mark.parametrize("is_panel", [False, True])
@pytest.mark.parametrize("is_text", [False, True])
def test_a_second_column_of_dates_beside_a_time_index_is_to_be_dropped(
    is_panel, is_text
):
    X, y = rows()
    X.insert(0, "when", X.index.strftime("%Y-%m-%d") if is_text else X.index)
    if is_panel:
        X = pd.concat({"north": X}, names=["shop", "day"])
        y = pd.concat({"north": y}, names=["shop", "day"])
    message = "'when'.* numbers?: drop this column, as the index has the times"
    with pytest.raises(ValueError, match=message):
        sktsdl.SlidingWindow(3).fit(X, y)


def test_dates_without_a_time_index_are_to_become_the_index():
    X, y = rows()
    table = X.rename_axis("when").reset_index()
    with pytest.raises(ValueError, match="not numbers: make them the index, or encode"):
        sktsdl.SlidingWindow(3).fit(table, y.to_numpy())


@pytest.mark.parametrize("shape", [(-1, 1), (-1, 1, 1)])
def test_arrays_of_times_are_not_numbers(shape):
    X, y = rows()
    times = X.index.to_numpy().reshape(shape)
    with pytest.raises(ValueError, match=r"^X holds dates or times"):
        sktsdl.WindowMLPRegressor().fit(times, y)
    for targets in (X.index.to_numpy(), pd.Series(X.index), X[[]].assign(a=X.index)):
        with pytest.raises(ValueError, match="y holds dates or times"):
            sktsdl.WindowMLPRegressor().fit(X[["rail"]].to_numpy(), targets)


@every_estimator
@pytest.mark.filterwarnings("ignore:X is a DataFrame with a time index")
def test_two_targets_of_one_name_are_an_error(cls):
    X, Y = rows()
    if not is_regressor(small(cls)) and cls is not sktsdl.NetClassifier:
        pytest.skip("it does not read y")
    y = pd.concat([Y, Y], axis=1, keys=["rail", "rail"])
    with pytest.raises(ValueError, match=r"^y has two columns named 'rail': rename or"):
        small(cls).fit(X, y)


def test_two_targets_of_one_name_are_an_error_of_backtests_and_metrics():
    X, Y = rows()
    y = pd.concat([Y, Y], axis=1, keys=["rail", "rail"])
    with pytest.raises(ValueError, match=r"^y has two columns named 'rail': rename or"):
        sktsdl.backtest(Ridge(), X, y, cv=TimeSeriesSplit(2))
    for name, given in (("y_true", (y, y.to_numpy())), ("y_pred", (y.to_numpy(), y))):
        with pytest.raises(ValueError, match=f"^{name} has two columns named 'rail'"):
            sktsdl.metrics.smape(*given)
        with pytest.raises(ValueError, match=f"^{name} has two columns named 'rail'"):
            sktsdl.metrics.mase(*given, y_train=Y)


def test_two_columns_of_data_of_one_name_are_an_error():
    data = rows()[0].iloc[:, [0, 0]]
    with pytest.raises(ValueError, match=r"^data has two columns named 'rail': rename"):
        sktsdl.make_supervised(data, target="rail")
