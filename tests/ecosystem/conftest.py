"""What the tests of other packages share."""

import pytest


@pytest.fixture(scope="session")
def mlflow_uri(tmp_path_factory):
    """A store of MLflow, which takes seconds to create."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
