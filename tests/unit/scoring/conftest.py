import pytest

from scorer.answering import Scorer
from tests.support.trained_releases import FEATURES, scorer


@pytest.fixture(scope="session")
def scorers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scorer]:
    """A scorer for each task, of a model that is really trained; by the task's name."""
    tasks = ("regression", "binary", "multiclass")
    return {task: scorer(tmp_path_factory.mktemp(task), task, FEATURES) for task in tasks}
