"""Where new data from labels goes is checked before anything is read."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kanmon.errors import BadInputError
from kanmon.labels.new_data import check_target
from kanmon.project import Project


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("x.xlsx", "x.xlsx is not the name of a data file. Use .parquet or .csv."),
        ("nope/x.csv", "nope/x.csv: there is no folder nope. Make it, or name another with --to."),
        ("template.yaml/x.csv", "template.yaml/x.csv: there is no folder template.yaml."),
        ("there.csv", "there.csv is there already. Name another with --to, or remove it."),
    ],
)
def test_a_target_that_cannot_be_written_is_refused_before_the_stage_is_asked(
    kanmon: Any, project: Project, to: str, said: str
) -> None:
    (project.root / "there.csv").write_text("id\n")

    refused = kanmon("dataset-from-labels", "wine", "--to", to)
    allowed = kanmon("dataset-from-labels", "wine", "--to", "new.csv")

    assert (refused.exit_code, said in refused.stderr) == (2, True), refused.stderr
    assert allowed.exit_code == 3  # no stage is running


def test_a_folder_that_may_not_be_written_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # tests may run as root

    with pytest.raises(BadInputError, match="you may not write to"):
        check_target(tmp_path / "x.csv", plain=True)


def test_a_day_to_come_is_refused_and_today_is_not(kanmon: Any) -> None:
    now = datetime.now(UTC)
    later = f"{now + timedelta(days=2):%Y-%m-%d}"

    refused = kanmon("dataset-from-labels", "wine", "--since", later)
    allowed = kanmon("dataset-from-labels", "wine", "--since", f"{now:%Y-%m-%d}")

    assert (refused.exit_code, allowed.exit_code) == (2, 3)
    assert f"--since {later}: is a day to come. Today is" in refused.stderr
