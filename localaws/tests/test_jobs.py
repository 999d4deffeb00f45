"""Processing jobs: real processes under SageMaker's contract."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.credentials import Credentials
from localaws.jobs.runner import KEPT_FAILURES, Control, Outcome
from localaws.stage import Stage
from support.workbench import ROLE, START, Bench, Surroundings, instances, s3_input, s3_outputs


@pytest.fixture
def bench(stage: Stage, client, tmp_path: Path) -> Iterator[Bench]:
    root = Credentials(stage.access_key, stage.secret_key, "")
    bench = Bench(Surroundings(stage.endpoint, root), client("s3"), tmp_path, None)
    yield bench
    bench.close()


def test_a_job_reads_its_inputs_and_its_outputs_are_uploaded(bench: Bench):
    bench.put("in/one.csv", "1")
    bench.put("in/deeper/two.csv", "2")

    outcome = bench.run(
        START
        + """
found = sorted(str(f.relative_to(root / "input/data")) for f in root.rglob("*.csv"))
(root / "output/0/deep").mkdir()
(root / "output/0/deep/found.json").write_text(json.dumps(found))
""",
        ProcessingInputs=[s3_input(f"s3://{bench.bucket}/in/")],
        ProcessingOutputConfig=s3_outputs(f"s3://{bench.bucket}/out"),
    )

    assert outcome == Outcome("Completed")
    assert bench.objects("out/") == {"deep/found.json": '["deeper/two.csv", "one.csv"]'}


def test_a_name_with_spaces_quotes_and_unicode_arrives_as_it_is(bench: Bench):
    name = "a b+c 'd' \"e\" größe%20&?#.csv"
    bench.put(f"in/{name}", "1")

    bench.run(
        START + '(root / "output/0" / os.listdir(root / "input/data")[0]).write_text("seen")',
        ProcessingInputs=[s3_input(f"s3://{bench.bucket}/in")],
        ProcessingOutputConfig=s3_outputs(f"s3://{bench.bucket}/out/"),
    )

    assert bench.objects("out/") == {name: "seen"}


def test_an_object_whose_name_leads_out_of_the_folder_is_refused(bench: Bench):
    bench.put("in/../../../escape", "1")

    outcome = bench.run("", ProcessingInputs=[s3_input(f"s3://{bench.bucket}/in/")])

    assert outcome == Outcome(
        "Failed",
        f"ClientError: Failed to download s3://{bench.bucket}/in/../../../escape: its name leads"
        " out of the input's folder. Rename the object.",
    )


def test_a_manifest_names_the_objects(bench: Bench):
    bench.put("in/a/1", "one")
    bench.put("in/a/2", "two")
    manifest = bench.put("manifest", json.dumps([{"prefix": f"s3://{bench.bucket}/in/"}, "a/2"]))

    bench.run(
        START + '(root / "output/0/list").write_text(str(os.listdir(root / "input/data/a")))',
        ProcessingInputs=[s3_input(manifest, S3DataType="ManifestFile")],
        ProcessingOutputConfig=s3_outputs(f"s3://{bench.bucket}/out"),
    )

    assert bench.objects("out/") == {"list": "['2']"}


def test_the_two_configuration_files_say_what_was_asked_for(bench: Bench):
    job = bench.job(
        START
        + """
for name in ("resourceconfig", "processingjobconfig"):
    text = (ml / "config" / f"{name}.json").read_text()
    (root / "output/0" / name).write_text(text)
""",
        ProcessingOutputConfig=s3_outputs(f"s3://{bench.bucket}/out"),
        Environment={"COLOUR": "green"},
    )

    bench.runner.run(job, bench.around.credentials, Control())

    written = bench.objects("out/")
    assert json.loads(written["resourceconfig"]) == {"current_host": "algo-1", "hosts": ["algo-1"]}
    assert json.loads(written["processingjobconfig"]) == job


def test_a_missing_input_says_what_to_look_at(bench: Bench):
    outcome = bench.run("", ProcessingInputs=[s3_input(f"s3://{bench.bucket}/nothing/here")])

    assert outcome == Outcome(
        "Failed",
        f'ClientError: No S3 objects found under S3 URL "s3://{bench.bucket}/nothing/here" given in'
        " input data source. Please ensure that the bucket exists in the selected region"
        " (us-east-1), that objects exist under that S3 prefix, and that the role"
        f' "{ROLE}" has "s3:ListBucket" permissions on bucket "{bench.bucket}".',
    )


def test_objects_are_dealt_to_the_hosts_and_every_host_has_its_own_folders(bench: Bench):
    for number in range(5):
        bench.put(f"in/{number}", "")
    bench.put("all/x", "")

    outcome = bench.run(
        START
        + """
config = json.loads((ml / "config/resourceconfig.json").read_text())
seen = sorted(os.listdir(root / "input/data")), os.listdir(root / "input/all"), config["hosts"]
(root / "output/0" / config["current_host"]).write_text(json.dumps(seen))
""",
        ProcessingResources=instances(2),
        ProcessingInputs=[
            s3_input(f"s3://{bench.bucket}/in/", S3DataDistributionType="ShardedByS3Key"),
            s3_input(f"s3://{bench.bucket}/all/", name="all"),
        ],
        ProcessingOutputConfig=s3_outputs(f"s3://{bench.bucket}/out"),
    )

    hosts = ["algo-1", "algo-2"]
    assert outcome == Outcome("Completed")
    assert {name: json.loads(text) for name, text in bench.objects("out/").items()} == {
        "algo-1": [["0", "2", "4"], ["x"], hosts],
        "algo-2": [["1", "3"], ["x"], hosts],
    }


def test_when_one_host_fails_the_others_are_ended(bench: Bench):
    outcome = bench.run(
        START
        + """
if json.loads((ml / "config/resourceconfig.json").read_text())["current_host"] == "algo-2":
    sys.exit("bad shard")
time.sleep(60)
""",
        ProcessingResources=instances(2),
    )

    assert outcome == Outcome(
        "Failed", "AlgorithmError: See job logs for more information, exit code: 1"
    )


def test_the_step_gets_its_environment_and_nothing_of_the_stage(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("A_SECRET_OF_THE_DEVELOPER", "hidden")
    monkeypatch.setenv("AWS_PROFILE", "company")

    bench.run(
        START + '(root / "output/0/names").write_text(json.dumps(dict(os.environ)))',
        Environment={"SHOP_MODEL": "abalone"},
        ProcessingOutputConfig=s3_outputs(f"s3://{bench.bucket}/out"),
    )

    environment = json.loads(bench.objects("out/")["names"])
    assert environment["SHOP_MODEL"] == "abalone"
    assert environment["AWS_ACCESS_KEY_ID"] == bench.around.credentials.access_key
    assert environment["AWS_REGION"] == "us-east-1"
    assert set(environment) - {"PROCESSING_ROOT", "LC_CTYPE"} == {
        "AWS_ACCESS_KEY_ID",
        "AWS_CONFIG_FILE",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SHARED_CREDENTIALS_FILE",
        "HOME",
        "SHOP_MODEL",
        "LANG",
        "PATH",
        "TMPDIR",
    }


def test_the_requests_own_entry_point_and_arguments_replace_the_images(bench: Bench):
    job = bench.job("")
    job["AppSpecification"] |= {
        "ContainerEntrypoint": ["/bin/sh", "-c"],
        "ContainerArguments": ["exit 7"],
    }

    outcome = bench.runner.run(job, bench.around.credentials, Control())

    assert outcome.failure_reason == (
        "AlgorithmError: See job logs for more information, exit code: 7"
    )


def test_continuous_outputs_are_there_while_the_job_runs(bench: Bench):
    outcome = bench.run(
        START
        + f"""
(root / "output/0/early").write_text("1")
import boto3
s3 = boto3.client("s3")
for _ in range(100):
    if s3.list_objects_v2(Bucket={bench.bucket!r}, Prefix="out/")["KeyCount"]:
        (root / "output/0/late").write_text("2")
        sys.exit(0)
    time.sleep(0.1)
sys.exit("the early file was never uploaded")
""",
        ProcessingOutputConfig=s3_outputs(f"s3://{bench.bucket}/out", mode="Continuous"),
    )

    assert outcome == Outcome("Completed")
    assert bench.objects("out/") == {"early": "1", "late": "2"}


def test_an_unknown_image_fails_the_job(bench: Bench):
    outcome = bench.run("", AppSpecification={"ImageUri": "elsewhere/image:1"})

    assert outcome == Outcome("Failed", "ClientError: CannotPullContainerError: elsewhere/image:1")


def test_a_role_that_may_not_pull_images_fails_the_job(bench: Bench):
    bench.around.denied.add("ecr:BatchGetImage")

    outcome = bench.run("")

    assert outcome == Outcome(
        "Failed",
        f"ClientError: CannotPullContainerError: {ROLE} is not authorized to perform:"
        " ecr:BatchGetImage on resource:"
        " arn:aws:ecr:us-east-1:123456789012:repository/test-steps",
    )


def test_what_a_step_prints_becomes_its_log_stream(bench: Bench):
    bench.run('import sys; print("one"); sys.stdout.flush(); print("two", file=sys.stderr)')

    [(stream, lines)] = bench.around.lines.items()
    assert stream.startswith("/aws/sagemaker/ProcessingJobs job-")
    assert "/algo-1-" in stream
    assert lines == ["one", "two"]


def test_what_a_host_used_is_measured(bench: Bench):
    bench.run("x = bytes(100_000_000); [i for i in range(3_000_000)]")

    assert {name.rpartition("/")[0].rpartition(" ")[0] for name in bench.around.metrics} == {
        "/aws/sagemaker/ProcessingJobs CPUUtilization",
        "/aws/sagemaker/ProcessingJobs MemoryUtilization",
    }
    assert min(bench.around.metrics.values()) > 0.1
    assert (ROLE, "cloudwatch:PutMetricData", "*") in bench.around.asked


def test_a_role_that_may_not_write_logs_runs_without_them(bench: Bench):
    bench.around.denied.add("logs:CreateLogStream")

    outcome = bench.run('print("one")')

    assert outcome == Outcome("Completed")
    assert bench.around.lines == {}


def test_only_the_last_failed_jobs_leave_their_folders(bench: Bench):
    bench.run("")
    for _ in range(KEPT_FAILURES + 2):
        bench.run("", ProcessingInputs=[s3_input(f"s3://{bench.bucket}/nothing")])

    bench.runner.close()
    assert len(list(bench.jobs.iterdir())) == KEPT_FAILURES
