"""What the tests of other packages share."""

import contextlib

import pytest


@pytest.fixture(scope="session")
def mlflow_uri(tmp_path_factory):
    """A store of MLflow, which takes seconds to create."""
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/mlflow.db"
    # Its files go to the folder in which the store is created.
    with contextlib.suppress(ImportError), contextlib.chdir(folder):
        from mlflow.tracking import MlflowClient

        MlflowClient(uri).search_experiments()
    return uri
