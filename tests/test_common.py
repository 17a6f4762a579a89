"""Every public estimator goes through the same tests, and so does each new one."""

import inspect
import pickle
import re

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import sktsdl.datasets
import sktsdl.inspection
from sktsdl import SlidingWindow
from sktsdl._estimator.attributes import NET_ATTRIBUTES
from sktsdl._estimator.regressor import DeepRegressor
from sktsdl.preprocessing._base import LookBackTransformer
from tests.estimators import (
    CLASSES,
    NETS,
    PASS_X_ON,
    TAKE_WINDOWS,
    every_estimator,
    every_net,
    make,
    output,
    small,
    target_for,
)
from tests.series import levels

ORDERED = (
    "check_methods_subset_invariance",
    "check_methods_sample_order_invariance",
)


# These nets take minutes with their default sizes.
SMALLER = {
    sktsdl.ITransformerRegressor: {"d_model": 32, "num_layers": 1},
    sktsdl.NBEATSRegressor: {"hidden_size": 32, "num_layers": 2},
    sktsdl.TCNRegressor: {"channels": (16, 16)},
    # It needs more epochs to find one step of ten.
    sktsdl.TFTRegressor: {"hidden_size": 16, "linear_skip": True},
    sktsdl.TSMixerRegressor: {"num_blocks": 1, "ff_dim": 8},
    sktsdl.TiDERegressor: {"hidden_size": 16},
    sktsdl.TransformerRegressor: {"d_model": 32, "num_layers": 1},
    sktsdl.WaveNetRegressor: {"channels": 16, "dilations": (1, 2, 4), "repeats": 1},
}
LEARN_SLOWLY = (
    sktsdl.AttentionLSTMRegressor,
    sktsdl.BiLSTMRegressor,
    sktsdl.GRURegressor,
    sktsdl.LSTMRegressor,
    sktsdl.Seq2SeqRegressor,
)


def for_checks(cls):
    """Construct `cls` as scikit-learn's own checks need it."""
    if cls is sktsdl.RatioLogScaler:
        return cls(offset=1.0)
    if cls is sktsdl.RelativeTargetRegressor:
        return cls(Ridge(), relation="difference")
    if cls is sktsdl.MultiTaskNet:
        return cls(for_checks(sktsdl.LSTMRegressor))
    if cls is sktsdl.SeedEnsemble:
        return make(cls, estimator=for_checks(sktsdl.LSTMRegressor))
    if cls is sktsdl.NetClassifier:
        return cls(sktsdl.LSTMRegressor(lr=3e-2, max_epochs=12, random_state=0))
    if issubclass(cls, DeepRegressor):
        lr, max_epochs = (2e-2, 18) if cls in LEARN_SLOWLY else (1e-2, 14)
        sizes = SMALLER.get(cls, {})
        return cls(lr=lr, max_epochs=max_epochs, random_state=0, **sizes)
    return make(cls)


def expected_failures(estimator):
    if isinstance(estimator, NETS):
        reason = (
            "repeated rows make other mini-batches; test_sample_weights has full ones"
        )
        return {"check_sample_weight_equivalence_on_dense_data": reason}
    if isinstance(estimator, sktsdl.ForwardFill):  # the rows have no missing value
        return {"check_methods_subset_invariance": "the rows are ordered in time"}
    is_seasonal = getattr(estimator, "relation", None) == "seasonal"
    if is_seasonal or isinstance(estimator, LookBackTransformer):
        return dict.fromkeys(ORDERED, "the rows are ordered in time")
    return {}


QUANTILE_NETS = [
    net.set_params(loss="quantile", lr=2e-2, max_epochs=20, random_state=0)
    for net in (
        sktsdl.CNNRegressor(),
        sktsdl.WindowMLPRegressor(hidden_sizes=(32,)),
    )
]


SEASONAL = sktsdl.RelativeTargetRegressor(Ridge(), relation="seasonal", period=2)
# The checks whose outcome needs more than one epoch.
LONGER = (
    "check_classifiers_train",
    "check_regressors_train",
    "check_sample_weight_equivalence_on_dense_data",
)


@parametrize_with_checks(
    [*map(for_checks, CLASSES), *QUANTILE_NETS, SEASONAL],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_checks(estimator, check):
    if check.func.__name__ not in LONGER:
        names = [name for name in estimator.get_params() if name.endswith("max_epochs")]
        estimator = clone(estimator).set_params(**dict.fromkeys(names, 1))
    check(estimator)


@every_estimator
@pytest.mark.parametrize("n_test", [1, 2, 15])
@pytest.mark.parametrize("as_frame", [True, False])
def test_there_is_one_output_for_each_row(cls, n_test, as_frame):
    X, y = levels()
    if not as_frame:
        X, y = X.to_numpy(), y.to_numpy()
    estimator, y = small(cls), target_for(cls, y)
    if isinstance(estimator, TAKE_WINDOWS) and as_frame:
        X = X[["rail"]]
    estimator.fit(X[:40], y[:40])
    assert len(output(estimator, X[40 : 40 + n_test])) == n_test


@every_estimator
@pytest.mark.parametrize("where", ["in-sample", "out"])
@pytest.mark.parametrize("as_frame", [True, False])
@pytest.mark.filterwarnings("ignore:overflow encountered in exp")  # of the 1e9
def test_no_row_sees_later_rows(cls, where, as_frame):
    X, y = levels(40)
    if not as_frame:
        X, y = X.to_numpy(), y.to_numpy()
    estimator, y = small(cls), target_for(cls, y)
    if issubclass(cls, TAKE_WINDOWS):
        estimator = make_pipeline(SlidingWindow(4), estimator)
    estimator.fit(X[:25], y[:25])
    X_new = X if where == "in-sample" else X[25:]
    clean = output(estimator, X_new)
    for t in range(len(X_new)):
        poisoned = X_new.copy()
        poisoned[t + 1 :] = 1e9
        seen = output(estimator, poisoned)[: t + 1]
        np.testing.assert_allclose(seen, clean[: t + 1], rtol=1e-12)


@every_estimator
def test_predict_changes_nothing(cls):
    X, y = levels()
    estimator = small(cls).fit(X.to_numpy()[:40], target_for(cls, y[:40]))
    before = joblib.hash(vars(estimator))
    first = output(estimator, X.to_numpy()[40:])
    assert np.array_equal(first, output(estimator, X.to_numpy()[40:]), equal_nan=True)
    assert joblib.hash(vars(estimator)) == before


@every_estimator
@pytest.mark.parametrize("how", ["pickle", "joblib", "compressed"])
def test_round_trip_through_a_file(cls, how, tmp_path):
    X, y = (part.to_numpy() for part in levels())
    estimator = small(cls).fit(X[:40], target_for(cls, y[:40]))
    if how == "pickle":
        again = pickle.loads(pickle.dumps(estimator))
    else:
        path = tmp_path / "estimator.joblib"
        joblib.dump(estimator, path, compress=3 if how == "compressed" else 0)
        again = joblib.load(path)
    expected = output(estimator, X[40:])
    assert np.array_equal(output(again, X[40:]), expected, equal_nan=True)


def _nan(X, y):
    X.iloc[20, 0] = np.nan
    return X, y


def _inf(X, y):
    X.iloc[20, 0] = np.inf
    return X, y


def _nan_target(X, y):
    y.iloc[20] = np.nan
    return X, y


def _shorter_target(X, y):
    return X, y[:-1]


def _strings(X, y):
    return X.astype(object).where(X["rail"] > 1, "many"), y


ROW_20 = r"row 20 \(2020-02-21 "
BAD_FITS = {
    "NaN": (_nan, rf"NaN in {ROW_20}.*column 'rail'.*put `ForwardFill` first"),
    "infinity": (
        _inf,
        rf"infinity in {ROW_20}.*column 'rail'.*fill it or drop the row",
    ),
    "NaN in y": (_nan_target, rf"^Input y contains NaN.* in {ROW_20}.*fill the target"),
    "shorter y": (_shorter_target, "^y has 59 rows and X has 60.*one target for each"),
    "strings": (_strings, r"'many' in row 6 \(2020-02-07 .*column 'rail'.*encode this"),
}
OTHER_MESSAGES = {
    "NaN": [(PASS_X_ON, r"^Input X contains NaN")],
    "infinity": [(PASS_X_ON, r"^Input X contains infinity")],
    "NaN in y": [
        (sktsdl.PurgedRegressor, r"^Input y contains NaN"),
        (sktsdl.NetClassifier, rf"^y has no label in {ROW_20}.*leave the row out"),
    ],
    "shorter y": [(PASS_X_ON, r"inconsistent numbers of samples: \[60, 59\]")],
    "strings": [(PASS_X_ON, r"^could not convert string to float: 'many'")],
}


def bad_fits():
    """List what each class refuses; a transformer reads no value of `y`."""
    cases = []
    for cls in CLASSES:
        takes_nan = make(cls).__sklearn_tags__().input_tags.allow_nan
        kinds = ("infinity", "strings") if takes_nan else BAD_FITS
        if cls is sktsdl.MiniRocket:
            kinds = ("NaN", "infinity", "strings")
        cases += [
            pytest.param(cls, kind, id=f"{cls.__name__}-{kind}") for kind in kinds
        ]
    return cases


@pytest.mark.parametrize(("cls", "kind"), bad_fits())
def test_a_failed_fit_says_why_and_changes_nothing(cls, kind):
    spoil, message = BAD_FITS[kind]
    X, y = levels()
    X, y = X[["rail"]], target_for(cls, y)
    estimator = small(cls).fit(X, y)
    for classes, other_message in OTHER_MESSAGES[kind]:
        message = other_message if issubclass(cls, classes) else message
    before = joblib.hash(vars(estimator))
    bad_X, bad_y = spoil(X.copy(), y.copy())
    with pytest.raises(ValueError, match=message):
        estimator.fit(bad_X, bad_y)
    assert joblib.hash(vars(estimator)) == before


@every_estimator
def test_other_columns_at_prediction_are_an_error(cls):
    X, y = levels()
    y = target_for(cls, y)
    estimator = small(cls).fit(X.to_numpy(), y)
    with pytest.raises(ValueError, match=r"1 features.*expecting 2 features"):
        output(estimator, X.to_numpy()[:, :1])
    if not issubclass(cls, TAKE_WINDOWS):
        estimator = small(cls).fit(X, y)
        with pytest.raises(ValueError, match=r"^The feature names should match"):
            output(estimator, X[["bus", "rail"]])


@every_estimator
def test_a_misspelt_parameter_is_a_type_error(cls):
    with pytest.raises(TypeError, match="unexpected keyword argument 'windw'"):
        make(cls, windw=3)


TRAINING_PARAMETERS = inspect.signature(DeepRegressor).parameters


@every_estimator
def test_docstring_and_signature_agree(cls):
    doc = inspect.getdoc(cls)
    section = doc.split("Parameters\n----------\n")[1].split("\n\n")[0]
    documented = re.findall(r"^(\w+) : ", section, flags=re.MULTILINE)
    expected = list(inspect.signature(cls).parameters)
    if issubclass(cls, DeepRegressor):  # its own parameters come first in the docstring
        expected.sort(key=lambda name: name in TRAINING_PARAMETERS)
    assert documented == expected
    for title in ("Attributes", "Examples"):
        assert f"{title}\n{'-' * len(title)}\n" in doc


def public_docstrings():
    """Yield the name and the docstring of all that is public, and of its methods."""
    parts = (sktsdl.datasets, sktsdl.distributed, sktsdl.inspection, sktsdl.metrics)
    for module in (sktsdl, *parts):
        for name in module.__all__:
            member = getattr(module, name)
            yield name, inspect.getdoc(member)
            if inspect.isclass(member):
                for method, function in inspect.getmembers(member, callable):
                    if not method.startswith("_"):
                        yield f"{name}.{method}", inspect.getdoc(function)


def test_no_placeholder_is_left_in_a_docstring():
    # `{name}` as such, and not as the argument of a command of LaTeX.
    left = {
        name: found
        for name, doc in public_docstrings()
        if (found := re.findall(r"(?<![\w\\^}])\{[a-z]\w+\}", doc or ""))
    }
    assert left == {}


@every_net
def test_documented_attributes_are_set(cls):
    X, y = levels()
    net = small(cls).set_params(early_stopping=True).fit(X[["rail"]], y)
    for name in re.findall(r"^(\w+) : ", NET_ATTRIBUTES, flags=re.MULTILINE):
        assert hasattr(net, name), name


@every_net
def test_units_and_shape_of_the_target(cls):
    X, y = (part.to_numpy() for part in levels())
    windows = np.lib.stride_tricks.sliding_window_view(X[:, 0], 5)[:, :, None]
    y = y[4:]
    net = small(cls).set_params(max_epochs=5, lr=1e-2, window_norm=None)
    one = clone(net).fit(windows, y).predict(windows)
    scaled = clone(net).fit(windows, 1e6 * y + 1e7).predict(windows)
    np.testing.assert_allclose(scaled, 1e6 * one + 1e7, rtol=1e-3)
    assert one.dtype == np.float64
    for shape in [(-1,), (-1, 1), (-1, 4)]:
        target = np.resize(y, (len(y), 4)).reshape(shape)[: len(y)]
        assert clone(net).fit(windows, target).predict(windows).shape == target.shape


@every_net
def test_a_prediction_does_not_depend_on_its_batch(cls):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 6, 2)), rng.normal(size=300)
    net = make(cls).fit(X, y)
    together = net.predict(X)
    alone = np.concatenate([net.predict(X[i : i + 1]) for i in range(0, 300, 20)])
    np.testing.assert_array_equal(alone, together[::20])
    for n in (3, 17, 257):
        np.testing.assert_array_equal(net.predict(X[-n:]), together[-n:])


@every_net
def test_incomplete_windows_are_left_out_of_the_loss(cls):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 6, 2)), rng.normal(size=50)
    started = X.copy()
    started[:8, :3, 1] = np.nan
    whole = make(cls).fit(X[8:], y[8:])
    partly = make(cls).fit(started, np.r_[np.full(8, 1e9), y[8:]])
    assert np.array_equal(whole.predict(X), partly.predict(X))


@every_net
def test_unknown_history_is_filled_from_the_first_known_value(cls):
    rng = np.random.default_rng(0)
    X, y = rng.normal(2, 1, size=(50, 6, 2)), rng.normal(size=50)
    net = make(cls).fit(X, y)
    unknown, filled = X.copy(), X.copy()
    unknown[0, :3, 0], filled[0, :3, 0] = np.nan, X[0, 3, 0]
    unknown[1, :, 1], filled[1, :, 1] = np.nan, X[:, :, 1].mean()
    np.testing.assert_allclose(net.predict(unknown), net.predict(filled), rtol=1e-6)
