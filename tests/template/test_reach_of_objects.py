"""Who reads, adds, replaces and removes which object of the data bucket.

Use shows no grant that is too wide: what was widened still covers what is used. So this
is pinned, object by object, by IAM's own rules of evaluation.
"""

import pytest

from tests.support.policy_decisions import may
from tests.support.translation import resources

DATA = "arn:aws:s3:::DataBucket"
ROLES = sorted(resources("AWS::IAM::Role"))
# One object of each kind in the data bucket: who reads it, who may add it where none is, who may
# also replace it.
OBJECTS = {
    "datasets/glasses/data.csv": (
        "DataScientist ExploreJob Job Monitor MonitorJob Preprocess Score ScoreJob",
        "",
        # of this model's own job alone
        "DataScientist Gather:glasses",
    ),
    "definitions/glasses/0a1b/model.yaml": (
        "Approver DataScientist ExploreJob Gather:glasses Job OpenBatch OpenMonitoring OpenRun "
        "Operator Plan Preprocess SendDigest Steward TakeSnapshot Train",
        "DataScientist",
        "",
    ),
    "definitions/glasses/0a1b/gather.sql": (
        "Approver DataScientist ExploreJob Gather:glasses Job OpenRun Operator Preprocess Steward "
        "Train",
        "DataScientist",
        "",
    ),
    "definitions/glasses/0a1b/gather.py": (
        "Approver DataScientist ExploreJob Gather:glasses Job Operator Preprocess Steward Train",
        "DataScientist",
        "",
    ),
    "definitions/glasses/0a1b/features.py": (
        "Approver DataScientist ExploreJob Gather:glasses Job Operator Preprocess Steward Train",
        "DataScientist",
        "",
    ),
    "prices.json": (
        "Approver CloseBatch CloseMonitoring CloseRun DataScientist JudgeCandidate Monitor "
        "MonitorJob Operator ReportFailure Score ScoreJob Steward TakeSnapshot",
        "",
        "",
    ),
    "snapshots/glasses/0a1b.json": (
        "Approver DataScientist Job Operator Preprocess Steward TakeSnapshot",
        "",
        "OpenRun TakeSnapshot",
    ),
    "gathered/glasses/R/0/rows": (
        "HashRows Job Preprocess TakeSnapshot",
        "",
        "RetrainStateMachine",
    ),
    "images/0a1b.json": ("OpenBatch OpenMonitoring OpenRun TakeSnapshot", "", ""),
    "runs/glasses/R/run.json": (
        "Approver DataScientist ExploreJob Evaluate Job JudgeCandidate OpenBatch OpenMonitoring "
        "OpenRelease Operator Preprocess RecordExperiment Steward Train",
        "",
        "OpenRun TakeSnapshot",
    ),
    "runs/glasses/R/preprocess/train/part.parquet": (
        "DataScientist ExploreJob Evaluate Job JudgeCandidate Monitor MonitorJob OpenRelease Train",
        "",
        "Job JudgeCandidate",
    ),
    "runs/glasses/R/train/model.tar.gz": (
        "AdmitRelease DataScientist ExploreJob Evaluate Job JudgeCandidate Monitor MonitorJob "
        "OpenRelease RetrainStateMachine Score ScoreJob Verify",
        "",
        "Job JudgeCandidate",
    ),
    "runs/glasses/R/train/training.json": (
        "DataScientist ExploreJob Evaluate Job JudgeCandidate Monitor MonitorJob OpenRelease",
        "",
        "Job JudgeCandidate",
    ),
    "runs/glasses/R/train/trials.json": (
        "DataScientist ExploreJob Evaluate Job JudgeCandidate Monitor MonitorJob OpenRelease",
        "",
        "Job JudgeCandidate",
    ),
    "runs/glasses/R/evaluate/evaluation.json": (
        "AdmitRelease Approver DataScientist ExploreJob Job JudgeCandidate Monitor MonitorJob "
        "OpenMonitoring OpenRelease Operator Steward",
        "",
        "Job JudgeCandidate",
    ),
    "runs/glasses/R/evaluate/golden.json": (
        "DataScientist ExploreJob Job JudgeCandidate Monitor MonitorJob OpenRelease",
        "",
        "Job JudgeCandidate",
    ),
    "runs/glasses/R/evaluate/scores.parquet": (
        "DataScientist ExploreJob Job JudgeCandidate Monitor MonitorJob OpenRelease",
        "",
        "Job JudgeCandidate",
    ),
    # What the steps leave as functions, each in the folder of its own attempt. The run adopts it.
    "attempts/glasses/R/preprocess-0/preprocess/train/part.parquet": (
        "Evaluate Job JudgeCandidate Train",
        "",
        "Preprocess",
    ),
    "attempts/glasses/R/train-0/train/model.tar.gz": (
        "Evaluate Job JudgeCandidate",
        "",
        "Train",
    ),
    "attempts/glasses/R/kanmon-test-R-train-0/output/model/model.tar.gz": (
        "Evaluate Job JudgeCandidate",
        "",
        "Job",
    ),
    "attempts/glasses/R/evaluate-0/evaluate/evaluation.json": (
        "Job JudgeCandidate",
        "",
        "Evaluate",
    ),
    "attempts/glasses/M/monitor-0/monitor/report.json": (
        "CloseMonitoring Job JudgeCandidate",
        "",
        "Monitor",
    ),
    "attempts/glasses/R/other": ("Job JudgeCandidate", "", ""),
    "runs/glasses/R/verdict.json": (
        "Approver DataScientist ExploreJob Job JudgeCandidate OpenRelease Operator Steward",
        "",
        "JudgeCandidate",
    ),
    "runs/glasses/R/review.html": (
        "Approver DataScientist ExploreJob Job JudgeCandidate OpenRelease Operator Steward",
        "",
        "JudgeCandidate",
    ),
    "metrics/model=glasses/R.json": (
        "Approver Dashboard DataScientist Operator RecordExperiment Steward",
        "",
        "JudgeCandidate",
    ),
    "releases/glasses/7/release.json": (
        "AdmitRelease Approver CloseRelease DataScientist OpenBatch OpenMonitoring "
        "OpenRelease Operator RecordRelease Steward Verify",
        "OpenRelease",
        "",
    ),
    "releases/glasses/7/review.html": (
        "AdmitRelease Approver CloseRelease DataScientist OpenBatch OpenMonitoring "
        "OpenRelease Operator RecordRelease Steward",
        "OpenRelease",
        "",
    ),
    "releases/glasses/7/golden.json": (
        "AdmitRelease CloseRelease OpenBatch OpenMonitoring OpenRelease RecordRelease",
        "OpenRelease",
        "",
    ),
    "releases/glasses/7/bundle.zip": (
        "AdmitRelease CloseRelease OpenBatch OpenMonitoring OpenRelease "
        "RecordRelease ReleasePipeline",
        "OpenRelease",
        "",
    ),
    "packages/base/0a1b.zip": ("ServingDeploy Verify", "Verify", ""),
    "packages/glasses/7/0a1b.zip": ("ServingDeploy Verify", "Verify", ""),
    "capture/glasses/7/dt=2026-11-21/a.jsonl": (
        "DataScientist Monitor MonitorJob Steward",
        "",
        "Steward",
    ),
    # A batch scores it as any folder of the team's own.
    "scratch/ada/job/result/a.parquet": (
        "DataScientist ExploreJob Monitor MonitorJob Score ScoreJob",
        "",
        "DataScientist ExploreJob",
    ),
    "other/x": (
        "Monitor MonitorJob Score ScoreJob",
        "",
        "",
    ),
    "capture/glasses/7/dt=2026-11-21/compacted-0a1b2c3d.parquet": (
        "DataScientist Monitor MonitorJob Steward",
        "",
        "Monitor MonitorJob Steward",
    ),
    "batches/glasses/B/plan.json": (
        "Approver CloseBatch DataScientist Monitor MonitorJob OpenBatch OpenMonitoring "
        "Operator Score ScoreJob Steward",
        "",
        "OpenBatch Steward",
    ),
    "batches/glasses/B/scores/00000-0000.parquet": (
        "DataScientist ExploreJob Monitor MonitorJob Operator Score ScoreJob Steward",
        "",
        "Score ScoreJob Steward",
    ),
    "batches/glasses/B/rejects/00000-0000.parquet": (
        "DataScientist Monitor MonitorJob Operator Score ScoreJob Steward",
        "",
        "Score ScoreJob Steward",
    ),
    "inputs/glasses/B/rows.csv": (
        "DataScientist Monitor MonitorJob Score ScoreJob Steward",
        "",
        "DataScientist Operator Steward",
    ),
    "labels/glasses/a.csv": (
        "DataScientist Monitor MonitorJob Steward",
        "DataScientist",
        "Steward",
    ),
    "monitoring/glasses/M/plan.json": (
        "CloseMonitoring Monitor MonitorJob",
        "",
        "OpenMonitoring",
    ),
    "monitoring/glasses/M/report.json": (
        "Approver CloseMonitoring DataScientist Operator Steward",
        "",
        "CloseMonitoring MonitorJob",
    ),
    "monitoring/glasses/M/usage.json": ("CloseMonitoring", "", "MonitorJob"),
    "monitoring/glasses/M/page.html": (
        "Approver DataScientist Operator Steward",
        "",
        "CloseMonitoring",
    ),
    "watch-metrics/model=glasses/M.json": ("Dashboard RecordExperiment", "", "CloseMonitoring"),
    "plans/dt=2026-11-30/2026-11-30T03:00:00Z.json": (
        "Approver DataScientist Operator Steward",
        "",
        "Plan",
    ),
    "batches/glasses/B/shards.json": (
        "Approver CloseBatch DataScientist Monitor MonitorJob OpenBatch Operator Score "
        "ScoreJob Steward",
        "",
        "Score ScoreJob",
    ),
    "batches/glasses/B/usage-001.json": (
        "CloseBatch Monitor MonitorJob Score ScoreJob",
        "",
        "Score ScoreJob",
    ),
    "batches/glasses/B/done/00000.json": (
        "Approver CloseBatch DataScientist Monitor MonitorJob Operator Score ScoreJob Steward",
        "",
        "Score ScoreJob Steward",
    ),
    "batches/glasses/B/manifest.json": (
        "Approver DataScientist Monitor MonitorJob Operator Score ScoreJob Steward",
        "",
        "CloseBatch Steward",
    ),
}


def who(action: str, key: str, **context: str) -> set[str]:
    """The roles that may do that to an object, without the ending of their names."""
    may_do = (role for role in ROLES if may(role, action, f"{DATA}/{key}", **context))
    return {role.removesuffix("Role").replace("GatherRole", "Gather:") for role in may_do}


@pytest.mark.parametrize("key", OBJECTS)
def test_an_object_is_read_and_written_by_these_roles_alone(key: str) -> None:
    reads, adds, writes = (set(names.split()) for names in OBJECTS[key])

    assert who("s3:GetObject", key) | who("s3:GetObjectVersion", key) == reads
    assert who("s3:PutObject", key) == writes
    assert who("s3:PutObject", key, s3__if_none_match="*") == adds | writes


@pytest.mark.parametrize("key", OBJECTS)
def test_objects_are_removed_as_data_as_compacted_captures_or_to_forget_and_else_by_nobody(
    key: str,
) -> None:
    deleters = {"DataScientist"} if key.startswith(("datasets/", "scratch/")) else set()
    if key.startswith("gathered/"):  # a result that is there already
        deleters = {"TakeSnapshot"}
    if key.startswith("capture/"):  # the lines, and the older file that a new one replaces
        deleters = {"Monitor", "MonitorJob"}
    scored = ("batches/glasses/B/scores/", "batches/glasses/B/rejects/")
    forgetting = ("capture/", "labels/", "inputs/", *scored)

    assert who("s3:DeleteObject", key) == deleters
    assert who("s3:DeleteObjectVersion", key) == (
        {"Steward"} if key.startswith(forgetting) else set()
    )
