"""Data sets: frames with a time index."""

import hashlib
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest

from sktsdl.datasets import (
    _cta_ridership,
    fetch_cta_ridership,
    load_air_passengers,
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


@pytest.fixture
def two_days(monkeypatch):
    digest = hashlib.sha256(CONTENT).hexdigest()
    monkeypatch.setattr(_cta_ridership, "SHA256", digest)
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
    monkeypatch.setattr(_cta_ridership, "URL", source.as_uri())
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
    monkeypatch.setattr(_cta_ridership, "URL", path.as_uri())
    with pytest.raises(ValueError, match="is not the file expected"):
        fetch_cta_ridership(tmp_path / "home")
    assert not (tmp_path / "home" / _cta_ridership.FILE_NAME).exists()


@pytest.mark.usefixtures("two_days")
def test_offline_says_what_to_do(tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise URLError("no network")

    monkeypatch.setattr(_cta_ridership, "urlopen", offline)
    with pytest.raises(OSError, match=r"download https://.*`data_home`.*SKTSDL_DATA"):
        fetch_cta_ridership(tmp_path)
