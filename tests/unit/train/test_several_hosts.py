"""Hosts of a Training job train one model together, and fail together."""

import json
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from contract.artifact import Artifact
from contract.encoding import Encoding
from contract.metrics import Scored, measure
from contract.native_model import native_model
from contract.paths import TrainingPaths
from contract.plan import Plan
from contract.step import StepError
from tests.support.training_cases import METRICS, document, rows
from tests.support.training_hosts import TrainingHost, free_ports, lay_out, started
from train import peers as train_peers
from train.cluster import Cluster, resolved
from train.lightgbm_learner import read_text
from train.model import Trained, train
from train.peers import Peers
from train.shared_rows import SharedRows

Start = Callable[..., list[TrainingHost]]


@pytest.fixture
def start(tmp_path: Path) -> Any:
    """Start hosts, and end those that are left."""
    hosts: list[TrainingHost] = []

    def run(plan: dict[str, Any], parts: dict[str, list[pl.DataFrame]], **options: Any) -> Any:
        number = len(hosts)
        channels = tmp_path / f"channels-{number}"
        lay_out(channels, plan, parts)
        hosts.extend(started(channels, tmp_path / f"job-{number}", **options))
        return hosts[number:]

    yield run
    for host in hosts:
        host.program.kill()
        host.program.wait()


def split(frame: pl.DataFrame, *sizes: int) -> dict[str, list[pl.DataFrame]]:
    """The first rows for training, in files of these sizes, and the rest for validation."""
    files, at = [], 0
    for size in sizes:
        files.append(frame[at : at + size])
        at += size
    return {"train": files, "validation": [frame[at:]]}


def alone(plan: dict[str, Any], parts: dict[str, list[pl.DataFrame]]) -> Trained:
    training, validation = (pl.concat(parts[part]) for part in ("train", "validation"))
    return train(Plan.from_document(plan), training, validation)


def model_text(host: TrainingHost) -> str:
    with tarfile.open(host.ml / "model" / "model.tar.gz") as archive:
        member = archive.extractfile("model.txt")
        assert member is not None
        return member.read().decode()


# How many of the first trees are the same, and how far apart the losses may be. A leaf's rows are
# counted where all rows have the same hessian, else LightGBM estimates their number from the hosts'
# sums, so that later a close decision may be another one.
@pytest.mark.parametrize(
    ("task", "same", "near", "parameters"),
    [
        ("regression", 30, 1e-12, {}),
        # Bins come from some of the rows, as with the 200,000 of a large table: from the same ones.
        ("regression", 30, 1e-12, {"bin_construct_sample_cnt": 300}),
        ("binary", 4, 0.03, {}),
        ("multiclass", 6, 0.03, {}),
    ],
)
def test_two_hosts_train_the_model_of_one(
    start: Start, task: Any, same: int, near: float, parameters: dict[str, Any]
) -> None:
    parameters = {"min_data_in_leaf": 5, **parameters}
    plan = document(task, parameters=parameters, trainer={"min_category_rows": 1})
    # Files of very unequal size, in the order of the target: no host's own rows are typical.
    frame = rows(task, count=1_200)
    frame = pl.concat([frame[:900].sort("target"), frame[900:]])
    parts = split(frame, 10, 700, 190)

    hosts = start(plan, parts, hosts=2)

    assert [host.end() for host in hosts] == [0, 0], [host.failure for host in hosts]
    assert not (hosts[1].ml / "model" / "model.tar.gz").exists()
    single = alone(plan, parts)
    mine, theirs = (
        read_text(text, task).trees[:same]
        for text in (single.artifact.native.decode(), model_text(hosts[0]))
    )
    for one, other in zip(mine, theirs, strict=True):
        assert one.feature == other.feature
        assert one.threshold == pytest.approx(other.threshold, rel=1e-9)
        assert one.members == other.members
        assert one.value == pytest.approx(other.value, rel=1e-6, abs=1e-9)
    loss = "rmse" if task == "regression" else "log_loss"
    report = json.loads((hosts[0].ml / "model" / "training.json").read_text())
    assert report["validation"][loss] == pytest.approx(single.validation[loss], rel=near)


# A mean over rows is that of the hosts' own validation rows; the area under a curve needs them all,
# as do fewer rows than hosts.
@pytest.mark.parametrize(
    ("task", "trainer", "validation"),
    [
        ("regression", {}, 301),
        ("regression", {"early_stopping_metric": "mape"}, 301),
        ("binary", {}, 301),
        ("binary", {"early_stopping_metric": "auc"}, 301),
        ("multiclass", {"early_stopping_metric": "accuracy"}, 301),
        ("regression", {}, 2),
    ],
)
def test_hosts_measure_the_validation_rows_as_one_does(
    start: Start, task: Any, trainer: dict[str, Any], validation: int
) -> None:
    plan = document(task, patience=0, trainer={"min_category_rows": 1, **trainer})
    parts = split(rows(task, count=900 + validation), 400, 500)

    hosts = start(plan, parts, hosts=3)

    assert [host.end() for host in hosts] == [0, 0, 0], [host.failure for host in hosts]
    report = json.loads((hosts[0].ml / "model" / "training.json").read_text())
    # The first round is the same on one host, see above.
    single = alone(plan, parts)
    assert report["history"]["metric"] == single.fitted.metric
    assert report["history"]["validation"][0] == pytest.approx(single.fitted.history[0], rel=1e-9)
    # Whatever the model is, its scores are those of all rows in their order, to the last digit.
    measured = scored(hosts[0], parts["validation"])
    assert report["validation"] == {name: measure(name, measured) for name in METRICS[task]}


def test_the_weights_of_classes_count_in_the_validation_rows_of_all_hosts(start: Start) -> None:
    plan = document("binary", patience=0, trainer={"class_weight": {"yes": 9.0}})
    parts = split(rows("binary", count=1_201), 900)

    hosts = start(plan, parts, hosts=3)

    assert [host.end() for host in hosts] == [0, 0, 0], [host.failure for host in hosts]
    report = json.loads((hosts[0].ml / "model" / "training.json").read_text())
    of = scored(hosts[0], parts["validation"])
    losses = -np.log(np.where(of.labels == 1, of.scores, 1 - of.scores))
    best = report["history"]["validation"][report["best_iteration"] - 1]
    weights = np.where(of.labels == 1, 9.0, 1.0)
    assert best == pytest.approx(np.average(losses, weights=weights), rel=1e-9)


def scored(host: TrainingHost, frames: list[pl.DataFrame]) -> Scored:
    """What this host's model says of some rows, all at once."""
    frame = pl.concat(frames)
    artifact = Artifact.unpack(host.model(), "model.tar.gz")
    scores = native_model("lightgbm", artifact.native).scores(artifact.matrix(frame))
    encoding = artifact.encoding
    decided = 0.5 if artifact.threshold is None else artifact.threshold
    return Scored(encoding.task, encoding.labels(frame, "validation"), scores, decided)


def test_hosts_without_validation_rows_all_say_so(start: Start) -> None:
    hosts = start(document(), split(rows(count=200), 200), hosts=2)

    assert [host.end() for host in hosts] == [1, 1]
    for host in hosts:
        assert host.failure.endswith(
            "there are no validation rows; add data or raise that part's share in 'split'"
        )


def test_other_addresses_give_the_same_bytes(start: Start) -> None:
    plan = document(parameters={"bagging_fraction": 0.7, "bagging_freq": 1, "num_leaves": 7})
    parts = split(rows(count=600), 200, 250)

    jobs = [start(plan, parts, hosts=3) for _ in range(3)]

    codes = [host.end() for hosts in jobs for host in hosts]
    assert codes == [0] * 9
    first, *others = [hosts[0].model() for hosts in jobs]
    assert others == [first, first]
    assert "127.0.0.1" not in model_text(jobs[0][0])


def test_a_host_that_dies_fails_the_job_and_is_named(start: Start) -> None:
    plan = document(rounds=100_000, patience=0)
    hosts = start(plan, split(rows(count=3_000), 2_500), hosts=3)
    wait_until_training(hosts[0])

    hosts[2].program.kill()

    assert [host.end() for host in hosts[:2]] == [1, 1]
    assert {host.failure for host in hosts[:2]} == {
        "host algo-3 of the job stopped without a word; see its log"
    }


def test_the_first_host_may_die_too(start: Start) -> None:
    plan = document(rounds=100_000, patience=0)
    hosts = start(plan, split(rows(count=3_000), 2_500), hosts=2)
    wait_until_training(hosts[0])

    hosts[0].program.kill()

    assert hosts[1].end() == 1
    assert hosts[1].failure.startswith("host algo-1 of the job stopped without a word")


def test_a_host_that_cannot_read_its_rows_fails_the_job_with_its_reason(start: Start) -> None:
    plan = document(parameters={"no_such": 1})
    hosts = start(plan, split(rows(count=300), 200), hosts=2)

    assert [host.end() for host in hosts] == [1, 1]
    for host in hosts:
        assert "trainer.parameters.no_such: lightgbm does not know this parameter" in host.failure


def test_a_host_that_never_comes_is_named() -> None:
    [port] = free_ports(1)
    names, addresses = ("algo-1", "algo-2"), (("127.0.0.1", port), ("127.0.0.1", port + 2))

    for index in (0, 1):
        peers = Peers(Cluster(names, addresses, index), pytest.fail)
        with pytest.raises(StepError) as failure:
            peers.join(seconds=0.1)

        assert str(failure.value) == (
            f"host {names[1 - index]} of the job did not come in time; start a new run"
        )


def test_a_host_may_be_silent_for_longer_than_a_greeting_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(train_peers, "GREETING_SECONDS", 0.2)
    [port] = free_ports(1)
    names, addresses = ("algo-1", "algo-2"), (("127.0.0.1", port), ("127.0.0.1", port + 2))
    lost = threading.Event()
    first, second = (
        Peers(Cluster(names, addresses, index), lambda message: lost.set()) for index in (0, 1)
    )

    joining = threading.Thread(target=first.join)
    joining.start()
    second.join()
    joining.join()

    assert not lost.wait(0.6)
    first.tell(7)
    assert second.told() == 7
    second.__exit__(None, None, None)
    first.__exit__(None, None, None)
    assert not lost.is_set()


def test_a_host_without_an_address_is_named() -> None:
    with pytest.raises(StepError, match=r"^host algo-2\.invalid of the job has no address \("):
        resolved("algo-2.invalid", seconds=0.01)


def test_a_single_host_needs_no_address(tmp_path: Path) -> None:
    paths = TrainingPaths(tmp_path)
    paths.resources.parent.mkdir(parents=True)
    paths.resources.write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))

    assert Cluster.of(paths).alone


@pytest.mark.parametrize("hosts", [2, 3])
def test_every_row_is_on_one_host_whatever_the_files(tmp_path: Path, hosts: int) -> None:
    frame = rows(count=101, missing=False).with_columns(size=pl.int_range(101).cast(pl.Float32))
    lay_out(tmp_path, document(), split(frame, 1, 0, 57, 2, 41))
    plan = Plan.from_document(document())
    sampled = np.array([0, 1, 57, 58, 100], dtype=np.int32)
    found = []

    for host in range(hosts):
        shared = SharedRows(tmp_path / "train", host, hosts)
        encoding, mine, sample = shared.learn(plan, 101, sampled)
        found.append(mine[:, 0].tolist())
        assert encoding == Encoding.learn(frame, plan)
        whole = encoding.matrix(frame)
        assert mine.tolist() == whole[shared.mine].tolist() == shared.read(encoding).tolist()
        assert sample.tolist() == whole[sampled].tolist()

    assert found == [list(range(host, 101, hosts)) for host in range(hosts)]


def wait_until_training(host: TrainingHost) -> None:
    """Wait until all hosts are together: LightGBM says so."""
    assert host.program.stdout is not None
    for line in host.program.stdout:
        if "training on" in line:
            return
    raise AssertionError(host.failure)


def test_a_training_job_has_its_own_places(tmp_path: Path) -> None:
    paths = TrainingPaths(tmp_path / "ml")

    assert paths.input("train") == tmp_path / "ml" / "input" / "data" / "train"
    assert paths.output("model") == tmp_path / "ml" / "model"
    assert paths.message == tmp_path / "ml" / "output" / "failure"
    assert paths.resources == tmp_path / "ml" / "input" / "config" / "resourceconfig.json"
