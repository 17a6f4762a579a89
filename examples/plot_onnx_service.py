# needs: package onnxruntime, package onnxscript
"""
A net in an ONNX file
=====================

``save_onnx`` writes a net to a file that predicts without torch and without this
package. The caller keeps the last rows as the window. Here a small service gets one row
each hour, and returns the forecast of the next hours.
"""

import tempfile
from collections import deque
from pathlib import Path

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
import pandas as pd
from sklearn.pipeline import make_pipeline

from sktsdl import (
    SeasonalNaiveRegressor,
    SlidingWindow,
    WindowMLPRegressor,
    make_supervised,
)

# %%
# The hourly load of a building and the temperature, made up.

rng = np.random.default_rng(0)
hours = pd.date_range("2024-01-01", periods=1200, freq="h", name="hour")
weather = np.convolve(rng.standard_normal(1223), np.ones(24) / 5, mode="valid")
temperature = 10 + 5 * np.sin((hours.hour - 9) / 24 * 2 * np.pi) + weather
load = 40 - temperature + 8 * (hours.hour > 7) + rng.normal(0, 0.5, size=1200)
series = pd.DataFrame({"load": load, "temperature": temperature}, index=hours)
X, y, _ = make_supervised(series, target="load", horizon=6)
train, test = slice(0, 960), slice(965, None)
net = WindowMLPRegressor(hidden_sizes=(32,), max_epochs=20, random_state=0)
model = make_pipeline(SlidingWindow(24), net).fit(X[train], y[train])

# %%
# The service has the file and the last 24 rows. It needs NumPy and onnxruntime only.

folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "net.onnx"
net.save_onnx(path)
print(f"{path.stat().st_size / 1000:.0f} kB")


class Service:
    """Forecasts from the last 24 rows."""

    def __init__(self, path: Path, rows: np.ndarray) -> None:
        self.session = onnxruntime.InferenceSession(str(path))
        self.rows = deque(rows.tolist(), maxlen=24)

    def post(self, row: list[float]) -> np.ndarray:
        self.rows.append(row)
        (found,) = self.session.run(["y"], {"X": np.array([self.rows])})
        return np.asarray(found[0])


service = Service(path, X.to_numpy()[965 - 24 : 965])
posted = np.array([service.post(row) for row in X.to_numpy()[test].tolist()])
folder.cleanup()

# %%
# The file predicts what the pipeline predicts. The pipeline gets the rows since
# training, which is the history of the rows that are compared.

of_pipeline = np.asarray(model.predict(X[960:]))[5:]
print(f"largest difference {np.abs(posted - of_pipeline).max():.1e}")
naive = SeasonalNaiveRegressor(24, column="load").fit(X[train], y[train])
truth = y[test].to_numpy()
of_naive = np.asarray(naive.predict(X[960:]))[5:]
for name, found in {"a day before": of_naive, "WindowMLP": posted}.items():
    print(f"{name:13} error {np.abs(truth - found).mean():.2f}")

# %%

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
shown = series["load"].iloc[965:1061]
ax.plot(shown, color="black", label="load")
for start in range(0, 90, 12):
    times = X.index[test][start] + pd.to_timedelta(range(1, 7), unit="h")
    label = "forecasts of the service" if start == 0 else None
    ax.plot(times, posted[start], "o--", color="tab:blue", ms=3, label=label)
ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(mdates.AutoDateLocator()))
ax.set(ylabel="load (kW)")
ax.legend()
plt.show()
