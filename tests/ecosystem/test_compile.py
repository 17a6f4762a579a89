"""Training through a module that torch has compiled."""

import pickle
import shutil
import sys
from types import ModuleType

import numpy as np
import pytest
from sklearn.base import clone

from tests.pages import ROOT, python_blocks, read

(RECIPE,) = (
    block
    for block in python_blocks(read(ROOT / "docs" / "tuning.md"))
    if "module_.compile()" in block
)


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
def test_a_compiled_net_is_the_same_but_for_rounding(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    recipe = ModuleType("recipe")  # a pickle finds the callback in it
    monkeypatch.setitem(sys.modules, "recipe", recipe)
    exec(compile(RECIPE, "tuning.md", "exec"), vars(recipe))
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 12, 3))  # the last batch is smaller
    y = X[:, -1, 0] + 0.1 * rng.normal(size=200)
    net = recipe.compiled.set_params(max_epochs=3).fit(X, y)
    plain = clone(net).set_params(callbacks=None).fit(X, y)
    assert net.module_._compiled_call_impl is not None
    np.testing.assert_allclose(net.loss_curve_, plain.loss_curve_, rtol=1e-5)
    found = net.predict(X)
    np.testing.assert_allclose(found, plain.predict(X), atol=1e-5)
    np.testing.assert_array_equal(net.predict(X[7:8]), found[7:8])
    again = pickle.loads(pickle.dumps(net))
    np.testing.assert_allclose(again.predict(X), found, atol=1e-5)
