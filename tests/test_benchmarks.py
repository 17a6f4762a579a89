"""Tables of benchmarks: measured once, resumed, and written with their ranges."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def study(monkeypatch, tmp_path):
    """A study of a module that is made here, which counts what it measures."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("_study")
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    (tmp_path / "made_up.py").write_text(
        """
from _study import Model, Study

calls = []

def of(factor):
    def measure(seed, quick):
        calls.append((factor, seed))
        return {"MAE": factor * (seed + 1.0), "fit, s": 0.5}
    return measure

STUDIES = [
    Study(
        "made_up", "made_up", "A title", "A protocol.",
        {"naive": Model(of(4.0)), "net": Model(of(1.0), 3), "other": Model(of(9.0))},
        {"MAE": ".2f", "fit, s": ".1f"},
        "naive",
        skips=lambda name: "not here" if name == "other" else None,
        n_jobs=1,
    )
]
"""
    )
    yield importlib.import_module("made_up")
    for name in ("made_up", "_study"):
        del sys.modules[name]


def test_a_table_of_medians_and_ranges(study, tmp_path, capsys):
    study.STUDIES[0].run(quick=False)
    lines = (tmp_path / "made_up.md").read_text().splitlines()
    assert lines[0] == "# A title"
    assert lines[2] == "| model | MAE | range | ratio | fit, s |"
    assert lines[4:6] == [
        "| naive | 4.00 |  | 1.000 | 0.5 |",
        "| net | 2.00 | 1.00-3.00 | 0.500 | 0.5 |",
    ]
    assert lines[-1] == "A protocol."
    assert "other: skipped, not here" in capsys.readouterr().out
    assert "torch" in json.loads((tmp_path / "made_up.json").read_text())["machine"]


def test_a_second_run_resumes(study, tmp_path):
    (one,) = study.STUDIES
    one.run(quick=False, names=["naive"])
    store = json.loads((tmp_path / "made_up.json").read_text())
    store["runs"]["net"] = {"1": {"MAE": 7.0, "fit, s": 0.5}}
    (tmp_path / "made_up.json").write_text(json.dumps(store))
    one.run(quick=False)
    assert study.calls == [(4.0, 0), (1.0, 0), (1.0, 2)]
    assert "| net | 3.00 | 1.00-7.00 |" in (tmp_path / "made_up.md").read_text()
    one.run(quick=False)
    assert len(study.calls) == 3


@pytest.fixture
def speed(monkeypatch):
    """The module of speed, and the modules that it imports by their bare names."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module("speed")
    for name in ("speed", "_plain_nets", "_study"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "name", ["N-BEATS", "N-HiTS", "TiDE", "TSMixer", "iTransformer", "TFT"]
)
def test_a_net_and_its_plain_form_have_the_same_weights(speed, name):
    assert name in speed.OF_STEPS_AHEAD
    size = speed.SIZES["steps ahead"] | {"n": 40, "epochs": 1}
    fit, loop = speed.fit_and_loop(name, size)
    net, plain = fit(), loop()
    assert net.n_parameters_ == sum(w.numel() for w in plain.parameters())
    X, y = speed.windows_and_targets(40, size["window"], size["channels"], 12)
    assert X.shape == (40, 48, 3)
    windows, targets = speed.prepared(X, y)
    assert plain(windows).shape == targets.shape == (40, 12)
    assert any(
        row.startswith(f"12 steps ahead by {name},") for row in speed.measures(1)
    )


@pytest.mark.parametrize(
    ("size", "name"),
    [("small", "LSTM"), ("big", "TCN"), ("big", "RNN"), ("small", "Transformer")]
    + [("steps ahead", name) for name in ("N-BEATS", "N-HiTS", "TiDE", "TFT")],
)
def test_loops_by_hand_stay_on_their_device(speed, size, name):
    names = ("channels", "window", "horizon")
    shape = [speed.SIZES[size][part] for part in names if part in speed.SIZES[size]]
    module = speed.BY_HAND[name](*shape).to("meta")
    windows = torch.zeros(6, shape[1], shape[0], device="meta")
    targets = torch.zeros(6, shape[2] if shape[2:] else 1, device="meta")
    trained = speed.loop(module, windows, targets, 1, 3)
    assert trained(windows).device == torch.device("meta")


def test_the_table_of_a_device(speed, monkeypatch):
    tiny = {"n": 40, "window": 6, "channels": 1, "batch_size": 20, "epochs": 1}
    monkeypatch.setitem(speed.SIZES, "small", tiny)
    found = speed.of_device("small", "LSTM", "cpu", 2)
    assert len(found["fit ÷ loop"]) == len(found["fit on the CPU, s"]) == 2
    figures = {
        "fit ÷ loop": [0.9, 0.8, 1.0],
        "fit, s": [0.2],
        "fit on the CPU, s": [0.8],
        "MB": 12.3,
    }
    lines = speed.device_table({"small LSTM": figures, "big TCN": figures}, "cuda")
    assert lines[2] == "| small LSTM | 0.90 | 0.80-1.00 | 0.25 | 0.20 | 12 |"
    assert lines[-1].endswith("for each small net: LSTM 4.0.")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_speed_on_cuda_needs_cuda(speed, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["speed.py", "--device", "cuda"])
    with pytest.raises(SystemExit):
        speed.main()
    assert "--device cuda needs a GPU, and torch sees none" in capsys.readouterr().err


@pytest.fixture
def defaults_single(monkeypatch):
    """The module of single series, and the modules that it imports."""
    pytest.importorskip("statsmodels")
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module("defaults_single")
    for name in ("defaults_single", "_tasks", "_models", "_study"):
        sys.modules.pop(name, None)


@pytest.fixture
def tasks(defaults_single):
    """The module of their tasks."""
    return sys.modules["_tasks"]


def test_targets_of_training_end_before_those_that_are_scored(tasks):
    rows = pd.DataFrame({"value": np.arange(50.0)})
    task = tasks.of_rows(rows, "value", period=5, n_ahead=3)
    seen = {}

    class Last:
        def fit(self, X, y):
            seen["last target"] = y.to_numpy().max()

        def predict(self, X):
            return np.repeat(X.to_numpy(), 3, axis=1)

    assert task.error(Last(), task.X) == 2  # steps of 1, 2 and 3
    assert seen["last target"] == 39
    assert task.naive_error() == 2


def test_sensors_show_each_row_in_the_next_one(tasks):
    values = np.sin(np.arange(40.0))
    task = tasks.other(values, tasks.delayed(values))
    assert list(task.X) == ["0"]
    assert np.abs(task.y - task.X["0"]).max() < 0.5


def test_regrets_compare_with_the_best_option_of_each_net(defaults_single, monkeypatch):
    def errors(*values):
        return dict(zip(defaults_single.OPTIONS, values, strict=True))

    same = {"WindowMLP": errors(1.0, 1.0, 4.0, 4.0)}
    runs = {
        "GDP, 1 ahead": [
            {"LSTM": errors(0.5, 2.0, 1.0, 0.5), **same},
            {"LSTM": errors(1.5, 2.0, 1.0, 0.5), **same},
        ],
        "diabetes": [dict.fromkeys(defaults_single.NETS, errors(8.0, 2.0, 8.0, 8.0))],
    }
    stored = {
        name: {str(seed): {"by net": nets} for seed, nets in enumerate(of_seeds)}
        for name, of_seeds in runs.items()
    }
    monkeypatch.setattr(
        type(defaults_single.TASKS), "read", lambda study, quick: {"runs": stored}
    )
    found = defaults_single.regrets("auto", 0, quick=False)
    assert found["futures"] == pytest.approx(2**0.5)
    assert found["others"] == found["worst"] == pytest.approx(4)
    assert found["all"] == pytest.approx((4 * 2**0.5) ** 0.5)
    assert found["error ÷ naive"] == pytest.approx(8**0.5)


def test_plain_nets_need_torch_alone():
    lines = (FOLDER / "_plain_nets.py").read_text().splitlines()
    imports = [line.split()[1] for line in lines if line.startswith(("import", "from"))]
    assert {name.split(".")[0] for name in imports} == {
        "collections",
        "typing",
        "torch",
    }
