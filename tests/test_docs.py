"""What README, the user guide and CONTRIBUTING show runs, and what they list exists."""

import ast
import re
from inspect import ismodule
from operator import attrgetter

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from sklearn.pipeline import make_pipeline

import sktsdl
from sktsdl import ForwardFill, LSTMRegressor, SlidingWindow
from sktsdl._windows.disk_rows import DiskRows
from tests.pages import ROOT, excerpts, needs_extras, python_blocks, read

README = ROOT / "README.md"
FAQ = ROOT / "docs" / "faq.md"
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
PICTURES = sorted((ROOT / "docs" / "images").rglob("*.*"))

every_text = pytest.mark.parametrize("path", [README, *PAGES], ids=lambda p: p.stem)


def run_blocks(path):
    blocks = [b for b in python_blocks(read(path)) if not needs_extras(b)]
    assert blocks
    names = {"__name__": "examples"}
    for block in blocks:
        exec(compile(block, path.name, "exec"), names)
    plt.close("all")
    return names


def links(path):
    """Return the files that a page links to, or shows as pictures."""
    found = re.findall(r"\]\(([^)\s]+)\)", read(path))
    local = [link.split("#")[0] for link in found if "://" not in link]
    return [(path.parent / link).resolve() for link in local if link]


def in_toctrees(path):
    """Return the pages in the toctrees of a page, and of the pages in them."""
    found = set()
    for block in re.findall(r"^```{toctree}\n(.*?)^```", read(path), re.M | re.DOTALL):
        for entry in re.findall(r"^[^:\n].*$", block, re.MULTILINE):
            name = re.sub(r".*<(.+)>$", r"\1", entry)
            found |= {page.resolve() for page in path.parent.glob(f"{name}.md")}
    found.discard(path)
    return found.union(*map(in_toctrees, found))


def names_in_first_column(section):
    cells = [line.split("|")[1] for line in section.splitlines() if line[:3] == "| `"]
    return sorted(name for cell in cells for name in re.findall(r"`(\w+)`", cell))


def check_coming_from(names):
    months = pd.date_range("1960-01-01", periods=12, freq="MS")
    assert names["year"].index.tolist() == months.tolist()
    truth = names["load_air_passengers"]()["passengers"].iloc[132:]
    assert (names["year"]["passengers"] - truth).abs().mean() < 100


def check_backtest_of_three_years(names):
    check_coming_from(names)
    past = names["past"]
    assert past["time"].dt.year.value_counts().to_dict() == dict.fromkeys(
        (1958, 1959, 1960), 12
    )


def check_keras(names):
    check_coming_from(names)
    assert names["stopped"][-1].best_epoch_ > 0


def check_neuralforecast(names):
    check_backtest_of_three_years(names)
    assert names["week"].groupby("unique_id").size().tolist() == [7] * 5


def check_skorch(names):
    check_coming_from(names)
    assert 1 < len(names["stopped"][-1].loss_curve_) < 100


def check_deploy(names):
    assert names["forecasts"].shape == (197, 3)
    expected = names["pipe"].predict(names["X"][800:])
    np.testing.assert_allclose(names["forecasts"], expected, rtol=1e-5)


def check_forecasting(names):
    forecasts, past = names["forecasts"], names["past"]
    months = pd.date_range("1961-01-01", periods=24, freq="MS")
    assert forecasts.index.tolist() == months.tolist()
    bands = ["passengers_lower_90", "passengers_upper_90"]
    assert list(forecasts) == ["passengers", *bands]
    assert (forecasts[bands[0]] < forecasts[bands[1]]).all()
    assert list(names["display"].intervals) == [0.9]
    assert len(names["change"]) == 200
    assert (
        names["change"].mean() < 0.95 * names["returns"]["return"][-200:].abs().mean()
    )
    assert len(names["by_month"]) == 11
    assert past.groupby("step").size().tolist() == [8] * 6
    tomorrow = pd.date_range("2024-12-31", periods=24, freq="h")
    assert names["tomorrow"].index.tolist() == tomorrow.tolist()
    days = names["past_days"]
    assert (len(days), days["step"].max()) == (56 * 24, 24)
    assert (days["y_true"] - days["y_pred"]).abs().mean() < 3
    assert names["week"].shape == (2800, 1)
    assert len(names["by_shop"]) == 400
    assert names["further"].index[-1] == pd.Timestamp("1962-09-01")


def check_get_started(names):
    written = pd.read_csv("forecast.csv", index_col="month", parse_dates=True)
    months = pd.date_range("1961-01-01", periods=12, freq="MS")
    assert written.index.tolist() == months.tolist()
    errors = pd.Series(names["errors"])
    assert errors[["net", "ridge"]].to_numpy() == pytest.approx(20, abs=2.5)
    assert errors["one year before"] == pytest.approx(35.4, abs=0.05)


def check_known_ahead(names):
    assert list(names["days"][-3:]["days"]) == [31, 28, 31]
    months = pd.date_range("1960-10-01", periods=3, freq="MS")
    assert names["held_out"].index.tolist() == months.tolist()
    assert names["X_held"].index[-1] == pd.Timestamp("1960-09-01")
    assert np.isfinite(names["error"])
    assert names["model"].predict(names["X_days"]).shape == (3, 3)
    assert names["X_last"].groupby(level="shop").size().tolist() == [7] * 5
    assert np.isfinite(names["X_last"]).all(axis=None)
    assert names["shops"].predict(names["X_latest"]).shape == (35, 7)
    calendar = [f"month{step}" for step in AHEAD] + [f"year{step}" for step in AHEAD]
    assert list(names["X_calendar"]) == ["passengers", "month", "year", *calendar]


def check_targets(names):
    assert list(names["y"]) == [f"passengers{s}" for s in AHEAD]
    assert (names["X_days"].shape, names["y_days"].shape) == ((29, 72), (29, 24))
    assert names["y_days"].columns[-1] == "price@23+1"
    assert names["week"].shape == (29, 168, 3)
    assert names["week"].names.tolist() == ["price", "load", "load+24"]
    assert str(names["X_local"].index[0]) == "2024-01-02 00:00:00+01:00"
    assert names["X_local"]["price@00"].iloc[0] == 23
    assert np.isfinite(names["scores"]).all()


def check_history(names):
    assert names["in_sample"][2].tolist() == [0, 1, 2]
    assert names["after"].tolist() == [[4, 5, 6], [5, 6, 7]]
    assert np.isfinite(names["follows"]).all()
    assert np.isnan(names["gap"][0, 0]).all()
    assert len(names["caught"]) == 1
    assert names["forecasts"].shape == (41, 3)
    mean = names["X"]["passengers"].iloc[89:101].mean()
    assert names["by_shape"].shape == (41, 3)
    assert names["means"].iloc[0] == pytest.approx(mean)
    assert names["windows"].shape == (132, 12, 2)
    first_year = names["series"]["passengers"].iloc[:12]
    assert names["windows"][0, :, 0].tolist() == first_year.tolist()
    assert names["next_months"].shape == (41,)


def check_inspection(names):
    assert names["attributions"].shape == (35, 12, 2)
    assert names["by_channel"].importances.shape == (2, 5)
    assert names["by_lag"].importances.shape == (12, 5)
    assert names["by_step"].forecasts["step"].tolist() == [1] * 24
    assert list(names["parts"]) == ["trend", "seasonality", "rest"]
    sums = sum(names["parts"].values())
    np.testing.assert_allclose(sums, names["in_parts"].predict(names["X_last"]))


def check_multitask(names):
    assert list(names["both"]) == ["level", "direction"]
    assert names["chances"].shape == (23, 2)
    assert np.isfinite(names["score"])
    assert set(names["labels"]) <= {"down", "up"}
    assert names["pipe"].classes_.tolist() == ["down", "up"]
    assert len(names["auc"]) == 3
    for chances in (names["probability"], names["chance"]):
        assert chances.shape == (23,)
        assert ((chances > 0) & (chances < 1)).all()


def check_panel(names):
    assert len(names["X"]) == 5 * 113
    assert len(names["X_latest"]) == 35
    written = pd.read_csv("forecasts.csv", index_col=["shop", "date"])
    assert list(written) == ["units"]
    assert written.index.get_level_values("shop").tolist() == sorted(7 * SHOPS)
    assert written.loc["shop 1"].index.tolist() == [
        "2024-04-30",
        *(f"2024-05-0{day}" for day in range(1, 7)),
    ]
    np.testing.assert_allclose(written, names["forecasts"], atol=0.051)
    assert names["search"].predict(names["X_latest"]).shape == (35, 7)
    by_shop = names["data"].groupby(level="shop")["shop_code"]
    assert by_shop.nunique().tolist() == [1] * 5
    assert by_shop.first().tolist() == [*range(5)]
    X_last = names["X_last"]
    later = names["shops"].get_indexer([*SHOPS[::-1], "a new shop"])
    assert later.tolist() == [4, 3, 2, 1, 0, -1]
    unknown = [X_last.assign(shop_code=code) for code in (-1, 99)]
    np.testing.assert_array_equal(*map(names["by_code"].predict, unknown))


def check_saving(names):
    np.testing.assert_array_equal(
        names["again"].predict(names["X"]), names["pipe"].predict(names["X"])
    )


def check_scaling(names):
    mean, spread = names["mean"], names["spread"]
    assert mean.shape == spread.shape == (3, 3)
    assert (spread > 0).all()
    np.testing.assert_allclose(names["forecasts"]["passengers"], mean[-1])
    X = names["X"]
    assert np.isfinite(names["voting"].predict(X)).all()
    assert np.isfinite(names["bagging"].predict(X.to_numpy())).all()
    assert len(names["bagging"].estimators_) == 3
    shared = names["shared"]
    windows = shared[:-1].transform(X)
    again = sktsdl.load("net.safetensors")
    np.testing.assert_array_equal(again.predict(windows), shared.predict(X))
    step, net = names["of_file"][0], names["of_file"][1]
    assert isinstance(step.transform(names["rows"]).rows, DiskRows)
    np.testing.assert_array_equal(np.concatenate(names["parts"]), names["predicted"])
    expected = names["of_file"].predict(np.array(names["rows"][18_000:]))
    np.testing.assert_allclose(names["predicted"], expected[-1_000:], rtol=1e-6)
    assert net.n_epochs_ == 1
    copy = names["to_memory_map"](names["rows"][:3, :2], "copy.npy")
    np.testing.assert_array_equal(copy, names["rows"][:3, :2])


def check_serving(names):
    served, X = names["served"], names["X"]
    assert served.index.equals(X.index[801:811])
    again = names["skops"].io.load("model.skops", trusted=names["trusted_types"](PIPE))
    np.testing.assert_array_equal(
        again.predict(X[968:]), names["pipe"].predict(X[968:])
    )
    assert len(names["pipe"][-1].loss_curve_) == 7
    assert 0.5 < names["coverage"] < 1
    model = names["model"]  # which was served, and not trained further
    seen = names["append_history"](model, X[810:900]).predict(X[900:])
    np.testing.assert_array_equal(seen, model.predict(X[810:])[90:])


def check_tuning(names):
    assert names["score"] > 0.95
    table = r"^\| `(.+)` \| `(\w+__window)` \| `(\w+__lr)` \|$"
    rows = re.findall(table, read(DOCS / "tuning.md"), re.MULTILINE)
    assert len(rows) == 3
    for model, *parameters in rows:
        assert set(parameters) <= eval(model, names).get_params().keys()
    assert set(names["search"].best_params_) == set(rows[-1][1:])
    assert names["months"].shape == (3, 1)
    # It is fitted in tests/ecosystem, as this takes a minute.
    assert isinstance(names["compiled"].callbacks[0], names["Compile"])


def check_uncertainty(names):
    assert (names["lower"] < names["upper"]).all()
    assert 0.7 < names["coverage"] <= 1
    assert names["quantiles"].shape == (23, 3)
    assert (np.diff(names["quantiles"]) >= 0).all()
    assert names["mean"].shape == names["std"].shape == (23,)


PIPE = make_pipeline(ForwardFill(), SlidingWindow(), LSTMRegressor())
AHEAD = ("+1", "+2", "+3")
SHOPS = [f"shop {i}" for i in range(5)]
CHECKS = {
    "coming_from/darts": check_backtest_of_three_years,
    "coming_from/keras": check_keras,
    "coming_from/neuralforecast": check_neuralforecast,
    "coming_from/skforecast": check_backtest_of_three_years,
    "coming_from/skorch": check_skorch,
    "deploy": check_deploy,
    "forecasting": check_forecasting,
    "get_started": check_get_started,
    "history": check_history,
    "inspection": check_inspection,
    "known_ahead": check_known_ahead,
    "multitask": check_multitask,
    "panel": check_panel,
    "saving": check_saving,
    "scaling": check_scaling,
    "serving": check_serving,
    "targets": check_targets,
    "tuning": check_tuning,
    "uncertainty": check_uncertainty,
}


def test_the_example_of_readme_runs(capsys):
    run_blocks(README)
    forecast, shape = capsys.readouterr().out.splitlines()
    assert 350 < float(forecast.strip(" []")) < 550
    assert shape == "(35, 7)"


@pytest.mark.parametrize("page", CHECKS)
def test_the_examples_of_a_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = ROOT / "docs" / f"{page}.md"
    CHECKS[page](run_blocks(path))
    shown = {target.name for target in links(path)}
    assert {picture.name for picture in tmp_path.glob("*.png")} <= shown


def test_every_page_with_examples_is_run():
    pages = [page for page in PAGES if python_blocks(read(page))]
    with_examples = {str(page.relative_to(DOCS).with_suffix("")) for page in pages}
    # tests/ecosystem/test_docs.py runs the one, tests/test_net_pages.py the others.
    elsewhere = {p for p in with_examples if p == "ecosystem" or p[:5] == "nets/"}
    assert with_examples - elsewhere == set(CHECKS)


@every_text
def test_excerpts_are_of_the_example_scripts(path):
    """tests/distributed runs the scripts."""
    scripts = [unindented(read(file)) for file in (ROOT / "examples").glob("*.py")]
    for excerpt in excerpts(read(path)):
        assert any(unindented(excerpt) in script for script in scripts), excerpt


def unindented(text):
    return re.sub(r"^ +", "", text, flags=re.MULTILINE)


def test_readme_is_short_and_links_the_index():
    assert len(read(README).splitlines()) <= 200
    assert DOCS / "index.md" in links(README)


def test_every_page_is_in_the_toctrees():
    index = DOCS / "index.md"
    assert {*PAGES, README} - {index} <= in_toctrees(index)


def test_the_reference_has_every_public_name():
    shown = re.findall(r"^   ([\w.]+)$", read(DOCS / "api.rst"), re.MULTILINE)
    assert len(shown) == len(set(shown))
    expected = set()
    for name in sktsdl.__all__:
        item = getattr(sktsdl, name)
        inside = [f"{name}.{n}" for n in item.__all__] if ismodule(item) else [name]
        expected.update(inside)
    assert expected <= set(shown)
    for name in shown:
        assert callable(attrgetter(name)(sktsdl)), name


@every_text
def test_lines_are_wrapped(path):
    prose = [line for line in read(path).splitlines() if line[:1] not in ("|", "!")]
    assert max(map(len, prose)) <= 88


def test_the_table_lists_every_public_name():
    section = read(README).split("## Public names")[1].split("\n## ")[0]
    assert names_in_first_column(section) == sktsdl.__all__


def test_the_page_of_inspection_lists_every_name():
    section = read(ROOT / "docs" / "inspection.md").split("\n## ")[0]
    assert names_in_first_column(section) == sorted(sktsdl.inspection.__all__)


@every_text
def test_tables_are_the_stored_results(path):
    text = read(path)
    marked = re.findall(r"<!-- ([\w-]+) -->\n\n((?:\|.*\n)+)", text)
    assert len(marked) == text.count("<!--")
    for name, table in marked:
        assert table in read(ROOT / "benchmarks" / "results" / f"{name}.md"), name


def test_the_coverage_is_that_of_the_stored_results():
    text = read(ROOT / "docs" / "uncertainty.md")
    shown = [line for line in text.splitlines() if line[:1] == "|"]
    stored = read(ROOT / "benchmarks" / "results" / "intervals.md").splitlines()
    assert len(shown) == 18
    assert set(shown) <= set(stored)


def test_every_stored_table_is_shown_once_or_linked():
    shown = re.findall(r"<!-- ([\w-]+) -->", "".join(map(read, PAGES)))
    assert len(shown) == len(set(shown))
    linked = {target for path in PAGES for target in links(path)}
    for table in (ROOT / "benchmarks" / "results").glob("*.md"):
        assert table.stem in shown or table in linked, table.name


@every_text
def test_links_lead_to_files(path):
    assert [str(target) for target in links(path) if not target.exists()] == []


def test_every_picture_is_shown_and_small():
    shown = {target for path in (README, *PAGES) for target in links(path)}
    assert set(PICTURES) <= shown
    assert [path.name for path in PICTURES if path.stat().st_size >= 60_000] == []


def test_a_thirteenth_net_needs_no_more_than_contributing_says():
    names = run_blocks(ROOT / "CONTRIBUTING.md")
    rows = np.random.default_rng(0).normal(size=(200, 2))
    y = np.array([rows[max(t - 4, 0) : t + 1, 0].mean() for t in range(200)])
    windows = SlidingWindow(5).fit_transform(rows)
    for steps, least in (("last", 0.9), ("all", 0.5)):
        net = names["MovingAverageRegressor"](
            loss_steps=steps, max_epochs=30, lr=1e-2, random_state=0
        )
        assert net.fit(windows[:150], y[:150]).score(windows[150:], y[150:]) > least
    assert "width" in net.get_params()


def text_of(node):
    """Return the text that code builds, with "…" for what varies."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(text_of, node.values))
    if isinstance(node, ast.BinOp):
        return text_of(node.left) + text_of(node.right)
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_text else "…"


def texts_of_the_package():
    """Return the arguments of every ``warn``, and all texts."""
    warned, texts = [], []
    for path in (ROOT / "sktsdl").rglob("*.py"):
        for node in ast.walk(ast.parse(read(path))):
            texts.append(text_of(node))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "warn":
                warned.append(text_of(node.args[0]))
    return warned, texts


def messages_of_the_page():
    cells = re.findall(r"^\| `([^`]*?[^|]*?)` \|", read(FAQ), re.MULTILINE)
    return [re.escape(cell).replace("…", ".*") for cell in cells]


def test_the_page_of_messages_has_every_warning():
    rows = messages_of_the_page()
    warned, _ = texts_of_the_package()
    said = [text for text in warned if len(text.replace("…", "")) > 20]
    assert len(said) > 10
    assert [text for text in said if not any(re.search(r, text) for r in rows)] == []


def test_the_page_of_messages_has_no_other_message():
    _, texts = texts_of_the_package()
    rows = messages_of_the_page()
    assert len(rows) > 30
    assert [r for r in rows if not any(re.search(r, text) for text in texts)] == []
