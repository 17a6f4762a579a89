"""Data sets: frames with a time index."""

import dataclasses
import hashlib
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest

from sktsdl._windows.panel import Panel
from sktsdl.datasets import (
    _cta_ridership,
    _files,
    _m4,
    _tourism,
    fetch_cta_ridership,
    fetch_m4,
    fetch_tourism,
    load_air_passengers,
    make_panel,
    make_sinusoid,
)

CONTENT = (
    b"service_date,day_type,bus,rail_boardings,total_rides\n"
    b"01/02/2001,W,780827,501952,1282779\n"
    b"01/01/2001,U,297192,126455,423647\n"
    b"01/02/2001,W,780827,501952,1282779\n"
)


def test_air_passengers():
    series = load_air_passengers()
    assert series.shape == (144, 1)
    assert series.index.freqstr == "MS"
    assert series["passengers"].sum() == 40363
    assert series.loc["1960-12", "passengers"].item() == 432


def test_sinusoid_against_its_formula():
    series = make_sinusoid(random_state=0)
    t = series.index.to_numpy()
    assert (t[0], t[-1], len(t)) == (0, 100, 1000)
    error = series["value"] - np.sin(t / 5)
    assert abs(error.std() - 0.1) < 0.01
    pd.testing.assert_frame_equal(series, make_sinusoid(random_state=0))
    assert not series.equals(make_sinusoid(random_state=1))
    with pytest.raises(ValueError, match="period == 0"):
        make_sinusoid(period=0)


def test_a_panel_against_its_formula():
    sales = make_panel(60, 400, period=12, random_state=0)
    assert list(sales.columns) == ["units", "promo", "kind"]
    assert Panel.of(sales).n_series == 60
    assert sales.index.is_monotonic_increasing
    assert (sales["units"] > 0).all()
    days = sales.loc["shop 07"].index
    expected = pd.date_range("2024-01-01", periods=400, freq="D", unit=days.unit)
    pd.testing.assert_index_equal(days, expected, check_names=False)
    levels = sales.groupby("shop")["units"].median()
    assert levels.min() < 30
    assert levels.max() > 3000
    assert (sales.groupby("shop")["kind"].std() == 0).all()
    assert abs(sales["promo"].mean() - 0.15) < 0.01
    t = np.arange(400)
    waves = [np.sin(2 * np.pi * t / 12), np.cos(2 * np.pi * t / 12)]
    effects = {0: [], 1: [], 2: []}
    for _, shop in sales.groupby("shop"):
        table = np.column_stack([np.ones(400), t, *waves, shop["promo"]])
        logs = np.log(shop["units"])
        weights, squares = np.linalg.lstsq(table, logs, rcond=None)[:2]
        assert abs(np.sqrt(squares[0] / 400) - 0.1) < 0.02
        assert 0.08 < np.hypot(*weights[2:4]) < 0.42
        effects[shop["kind"].iloc[0]].append(np.exp(weights[4]))
    for kind, factor in enumerate([1.1, 1.3, 1.6]):
        assert abs(np.mean(effects[kind]) - factor) < 0.02


def test_a_panel_depends_on_the_seed_alone():
    sales = make_panel(random_state=3)
    assert sales.shape == (600, 3)
    pd.testing.assert_frame_equal(sales, make_panel(random_state=3))
    assert not sales.equals(make_panel(random_state=4))
    for name in ("n_series", "n_rows", "period"):
        with pytest.raises(ValueError, match=f"{name} == 0"):
            make_panel(**{name: 0})


def replace_file(monkeypatch, module, name, **changes):
    """Change where a data set finds a file, or what is in it."""
    file = dataclasses.replace(getattr(module, name), **changes)
    monkeypatch.setattr(module, name, file)


@pytest.fixture
def two_days(monkeypatch):
    replace_file(
        monkeypatch, _cta_ridership, "FILE", sha256=hashlib.sha256(CONTENT).hexdigest()
    )
    monkeypatch.delenv("SKTSDL_DATA", raising=False)


def check_two_days(series):
    assert list(series.columns) == ["day_type", "bus", "rail"]
    assert series["rail"].tolist() == [126455, 501952]
    expected = pd.date_range("2001-01-01", periods=2, freq="D", unit=series.index.unit)
    pd.testing.assert_index_equal(series.index, expected, check_names=False)
    assert series.index.freqstr == "D"


@pytest.mark.usefixtures("two_days")
@pytest.mark.parametrize("how", ["data_home", "environment"])
def test_ridership_from_a_local_copy(how, tmp_path, monkeypatch):
    (tmp_path / _cta_ridership.FILE_NAME).write_bytes(CONTENT)
    if how == "environment":
        monkeypatch.setenv("SKTSDL_DATA", str(tmp_path))
    check_two_days(fetch_cta_ridership(tmp_path if how == "data_home" else None))


@pytest.mark.usefixtures("two_days")
def test_ridership_is_downloaded_once(tmp_path, monkeypatch):
    source = tmp_path / "source.csv"
    source.write_bytes(CONTENT)
    replace_file(monkeypatch, _cta_ridership, "FILE", url=source.as_uri())
    check_two_days(fetch_cta_ridership(tmp_path / "home"))
    source.unlink()
    check_two_days(fetch_cta_ridership(tmp_path / "home"))
    assert [p.name for p in (tmp_path / "home").iterdir()] == [_cta_ridership.FILE_NAME]


@pytest.mark.usefixtures("two_days")
def test_a_file_with_another_checksum_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / _cta_ridership.FILE_NAME
    path.write_bytes(CONTENT + b"\n")
    with pytest.raises(ValueError, match="is not the file expected"):
        fetch_cta_ridership(tmp_path)
    replace_file(monkeypatch, _cta_ridership, "FILE", url=path.as_uri())
    with pytest.raises(ValueError, match="is not the file expected"):
        fetch_cta_ridership(tmp_path / "home")
    assert not (tmp_path / "home" / _cta_ridership.FILE_NAME).exists()


@pytest.mark.usefixtures("two_days")
def test_offline_says_what_to_do(tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise URLError("no network")

    monkeypatch.setattr(_files, "urlopen", offline)
    with pytest.raises(OSError, match=r"download https://.*`data_home`.*SKTSDL_DATA"):
        fetch_cta_ridership(tmp_path)


def test_offline_names_the_file_in_its_folder(tmp_path, monkeypatch):
    replace_file(monkeypatch, _m4, "TRAIN", url=(tmp_path / "nowhere").as_uri())
    with pytest.raises(OSError, match=r"as m4/Hourly-train\.csv in a folder, and give"):
        fetch_m4(tmp_path)


def store(monkeypatch, folder, module, contents):
    """Put small files where a data set finds its own."""
    for name, text in contents.items():
        content = text.encode()
        path = folder / getattr(module, name).name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        replace_file(monkeypatch, module, name, sha256=digest)


def test_tourism_starts_each_series_in_its_month(tmp_path, monkeypatch):
    train = "m1,m2\n3,2\n1979,2000\n11,1\n1.5,7\n2.5,8\n3.5,\n,\n"
    test = "m1,m2\n2,2\n1980,2000\n2,3\n4.5,9\n5.5,10\n"
    store(monkeypatch, tmp_path, _tourism, {"TRAIN": train, "TEST": test})
    train, test = fetch_tourism(tmp_path)
    months = {"m1": ["1979-11", "1979-12", "1980-01"], "m2": ["2000-01", "2000-02"]}
    expected = [(name, pd.Period(m, "M")) for name in months for m in months[name]]
    assert list(train.index) == expected
    assert train.index.names == ["series", "month"]
    assert train["value"].tolist() == [1.5, 2.5, 3.5, 7, 8]
    assert test["value"].tolist() == [4.5, 5.5, 9, 10]
    assert str(test.index[2]) == "('m2', Period('2000-03', 'M'))"
    assert Panel.of(train).n_series == Panel.of(test).n_series == 2


def test_m4_ends_training_at_one_number(tmp_path, monkeypatch):
    train = '"V1","V2","V3","V4"\n"H1","5","6",""\n"H10","1","2","3"\n"H2","8","",""\n'
    test = '"V1","V2","V3"\n"H1","7","8"\n"H10","4","5"\n"H2","9","10"\n'
    store(monkeypatch, tmp_path, _m4, {"TRAIN": train, "TEST": test})
    train, test = fetch_m4(tmp_path)
    hours = [("H1", 1), ("H1", 2), ("H10", 0), ("H10", 1), ("H10", 2), ("H2", 2)]
    assert list(train.index) == hours
    assert train["value"].tolist() == [5, 6, 1, 2, 3, 8]
    assert list(test.index) == [(s, h) for s in ("H1", "H10", "H2") for h in (3, 4)]
    assert test["value"].tolist() == [7, 8, 4, 5, 9, 10]
    assert test.index.names == ["series", "hour"]
    assert Panel.of(train).n_series == Panel.of(test).n_series == 3
