"""Time a release from its approval until it is in service, and `make run` on a stage.

    make bench     or     .venv/bin/python benchmarks/release.py [--rounds 5]

In every round two candidates of abalone are trained and approved, one after the other, and the
second is rolled back. Approvals and rollbacks are reported separately, each timed in two ways:

    decided     from the decision (or the rollback's start) until the record is written, by the
                pipeline's own clock, and how long each action took
    command     `kanmon approve --watch` or `kanmon rollback`, as long as a person waits

The baseline is the same work without the pipeline: `make tools release` on the release's bundle,
and an update of a separate serving stack. Its canary shifts traffic and waits as the other does, so
`canary` shows how much of both is waiting.

`make run` is timed on a deployed stage: once with everything to do, once when nothing is new.
"""

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from loop import DATA, ROOT, kanmon, seconds

PROMOTED_SECONDS, MAKE_RUN_SECONDS = 5.0, 12.0
REVIEW = "ApproveRelease"
# It also contains the waits for a hook's answer and for the alarms.
WAITING = "AllowTraffic"
# With a reason, because the gate holds some of these candidates.
APPROVE = ("approve", "abalone", "--reason", "a benchmark", "--watch", "--as", "approver")
Times = dict[str, list[float]]


class Stage:
    """A running stage and the calls to it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.described = json.loads((home / "stage.json").read_text())
        keys = (self.described["access_key"], self.described["secret_key"])
        self.session = boto3.session.Session(*keys, region_name="us-east-1")
        found = self.client("cloudformation").describe_stacks()["Stacks"]
        platform = next(stack for stack in found if "-serving-" not in stack["StackName"])
        self.name = platform["StackName"]
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in platform["Outputs"]}

    def client(self, service: str) -> Any:
        """A client with the root's credentials."""
        return self.session.client(service, endpoint_url=self.described["endpoint"])

    def actions(self) -> list[dict[str, Any]]:
        """The actions of the latest pipeline execution, in their order."""
        pipeline, client = self.outputs["ReleasePipelineName"], self.client("codepipeline")
        latest = client.list_pipeline_executions(pipelineName=pipeline, maxResults=1)
        execution = latest["pipelineExecutionSummaries"][0]["pipelineExecutionId"]
        found = client.list_action_executions(
            pipelineName=pipeline, filter={"pipelineExecutionId": execution}
        )
        return sorted(found["actionExecutionDetails"], key=lambda one: one["startTime"])

    def waited(self) -> float:
        """How long the last deployment's shift of traffic took."""
        client = self.client("codedeploy")
        deployment = client.list_deployments()["deployments"][0]
        targets = client.list_deployment_targets(deploymentId=deployment)["targetIds"]
        [target] = client.batch_get_deployment_targets(deploymentId=deployment, targetIds=targets)[
            "deploymentTargets"
        ]
        events = target["lambdaTarget"]["lifecycleEvents"]
        [shift] = [one for one in events if one["lifecycleEventName"] == WAITING]
        return float((shift["endTime"] - shift["startTime"]).total_seconds())


@dataclass(frozen=True)
class Measured:
    """Seconds of approvals and rollbacks by their parts, of the baseline, and of `make run`."""

    approvals: Times = field(default_factory=lambda: defaultdict(list))
    rollbacks: Times = field(default_factory=lambda: defaultdict(list))
    baseline: list[float] = field(default_factory=list)
    make_run: Times = field(default_factory=lambda: defaultdict(list))


def promoted(stage: Stage, times: Times, *command: str) -> None:
    """Promote or roll back, and record how long it took."""
    times["command"].append(seconds(lambda: kanmon(stage.home, *command)))
    actions = stage.actions()
    review = [one for one in actions if one["actionName"] == REVIEW]
    began = review[0]["lastUpdateTime"] if review else actions[0]["startTime"]
    times["decided"].append((actions[-1]["lastUpdateTime"] - began).total_seconds())
    for one in actions:
        if one["startTime"] >= began:
            took = (one["lastUpdateTime"] - one["startTime"]).total_seconds()
            times[one["actionName"]].append(took)
    times["canary"].append(stage.waited())


def baseline(stage: Stage, folder: Path, number: int, times: list[float]) -> None:
    """The baseline: verify, package and update a separate stack with a release's bundle."""
    s3, bucket = stage.client("s3"), stage.outputs["DataBucketName"]
    bundle = s3.get_object(Bucket=bucket, Key=f"releases/abalone/{number}/bundle.zip")
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(io.BytesIO(bundle["Body"].read())) as archive:
        archive.extractall(folder)
    project = stage.client("codebuild").batch_get_projects(
        names=[stage.outputs["VerifyProjectName"]]
    )["projects"][0]
    environment = {
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
        "HOME": str(folder),
        "AWS_ACCESS_KEY_ID": stage.described["access_key"],
        "AWS_SECRET_ACCESS_KEY": stage.described["secret_key"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": stage.described["endpoint"],
        **{one["name"]: one["value"] for one in project["environment"]["environmentVariables"]},
    }
    cloudformation = stage.client("cloudformation")
    name = f"{stage.name}-serving-baseline"
    known = [stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]]
    apply = cloudformation.update_stack if name in known else cloudformation.create_stack
    began = time.perf_counter()
    for target in ("tools", "release"):
        words = ["make", "--silent", target]
        subprocess.run(words, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    settings = json.loads((folder / "verified/configuration.json").read_text())
    apply(
        StackName=name,
        TemplateBody=(folder / "verified/packaged.yaml").read_text(),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in settings["Parameters"].items()
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    while (status := _status(cloudformation, name)).endswith("_IN_PROGRESS"):
        time.sleep(0.05)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise SystemExit(f"the baseline's stack ended in {status}")
    if apply == cloudformation.update_stack:
        times.append(time.perf_counter() - began)


def _status(cloudformation: Any, name: str) -> str:
    return str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])


def make_run(home: Path) -> None:
    """Run `make run`, as a new user does."""
    environment = {**os.environ, "KANMON_HOME": str(home), "KANMON_PROJECT": str(ROOT)}
    words = ["make", "--silent", "run"]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"make run\n{done.stdout}{done.stderr}")


def candidate(home: Path, seed: int) -> None:
    """Train another candidate, which opens a release."""
    kanmon(home, "run", "abalone", "--set", f"seed={seed}")


def measure(home: Path, rounds: int) -> Measured:
    """Time releases, and `make run`."""
    found = Measured()
    for _ in range(max(2, rounds // 2)):
        kanmon(home, "down", "--erase")
        kanmon(home, "up")
        kanmon(home, "deploy")
        found.make_run["everything to do"].append(seconds(lambda: make_run(home)))
        found.make_run["nothing new"].append(seconds(lambda: make_run(home)))
    stage = Stage(home)
    folder = home / "baseline"
    baseline(stage, folder, 1, found.baseline)
    last = 1
    for number in range(rounds):
        for seed in (100 + 2 * number, 101 + 2 * number):
            candidate(home, seed)
            last += 1
            promoted(stage, found.approvals, *APPROVE)
            baseline(stage, folder, last, found.baseline)
        promoted(stage, found.rollbacks, "rollback", "abalone", "--as", "operator")
    return found


def main() -> None:
    """Measure and print medians, and what misses its target."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    rounds = parser.parse_args().rounds
    if not DATA.exists():
        subprocess.run([sys.executable, "-m", "sample_data.abalone"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "stage")
        try:
            found = measure(home, rounds)
        finally:
            kanmon(home, "down", "--erase")
    _show_all("`kanmon approve --watch`, of {} approvals", found.approvals)
    _show_all("`kanmon rollback`, of {} rollbacks", found.rollbacks)
    print("verify, package and update without the pipeline")
    _show("baseline", found.baseline)
    ratio = statistics.median(found.approvals["decided"]) / statistics.median(found.baseline)
    print(f"an approval, from decision to record / baseline {ratio:.2f}")
    print("make run, stage up and deployed")
    for name, values in found.make_run.items():
        _show(name, values)
    for name, values, limit in (
        ("approval", found.approvals["command"], PROMOTED_SECONDS),
        *((f"make run, {name}", took, MAKE_RUN_SECONDS) for name, took in found.make_run.items()),
    ):
        if statistics.median(values) > limit:
            print(f"missed: {name} {statistics.median(values):.1f} s, at most {limit:g}")


def _show_all(title: str, times: Times) -> None:
    print(title.format(len(times["command"])))
    for name, values in times.items():
        _show(name, values)


def _show(name: str, values: list[float]) -> None:
    middle = statistics.median(values)
    print(f"  {name:17} {middle:6.2f} s   ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
