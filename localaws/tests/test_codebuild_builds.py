"""Builds that really run: phases, commands, environment. A shell, and nothing else around it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.jobs.processes import Processes
from support.codebuild_bench import (
    ENVIRONMENT,
    GOOD,
    Bench,
    Surroundings,
    commands,
    context,
    goes_away,
)


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    launcher = Processes("folder")
    yield launcher
    launcher.close()


@pytest.fixture
def bench(tmp_path: Path, processes: Processes) -> Iterator[Bench]:
    made = Bench(tmp_path, Surroundings(), processes)
    yield made
    made.close()


def test_phases_run_in_their_order_in_one_shell(bench: Bench) -> None:
    build = bench.run(
        commands(
            post_build=["pwd | sed 's,.*/,,'"],
            build=["cd made", 'echo "$KEPT and $PASSED"'],
            install=["mkdir made", "KEPT=kept"],
            pre_build=["export PASSED=passed"],
        )
    )

    assert (build["buildStatus"], build["currentPhase"]) == ("SUCCEEDED", "COMPLETED")
    assert bench.phases(build) == GOOD
    assert bench.printed() == ["kept and passed", "made"]


def test_the_log_tells_what_codebuild_tells(bench: Bench) -> None:
    bench.run(commands(build=["echo one", "exit 3"]))

    told = [line.split(" ", 3)[3] for line in bench.around.lines if line.startswith("[Container]")]
    assert told[told.index("Entering phase BUILD") :][:6] == [
        "Entering phase BUILD",
        "Running command echo one",
        "Running command exit 3",
        "Command did not exit successfully exit 3 exit status 3",
        "Phase complete: BUILD State: FAILED",
        "Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing"
        " command: exit 3. Reason: exit status 3",
    ]


def test_a_line_that_a_command_left_open_is_its_own(bench: Bench) -> None:
    bench.run(commands(build=["printf open", "echo closed"]))

    assert bench.printed() == ["open", "closed"]


def test_a_failed_build_phase_runs_its_finally_and_post_build(bench: Bench) -> None:
    build = bench.run(
        """\
version: 0.2
phases:
  build:
    commands: [cd /, echo begun, "false", echo never]
    finally: ['echo "finally $CODEBUILD_BUILD_SUCCEEDING in $PWD"']
  post_build:
    commands: ['echo "post $CODEBUILD_BUILD_SUCCEEDING"']
"""
    )

    assert build["buildStatus"] == "FAILED"
    assert bench.phases(build) == {**GOOD, "BUILD": "FAILED"}
    assert bench.printed() == ["begun", "finally 0 in /", "post 0"]
    assert context(build, "BUILD") == (
        "COMMAND_EXECUTION_ERROR: Error while executing command: false. Reason: exit status 1"
    )


def test_a_failed_install_ends_the_build_after_its_finally(bench: Bench) -> None:
    build = bench.run(
        """\
version: 0.2
phases:
  install:
    commands: ["false"]
    finally: [echo cleaned]
  build:
    commands: [echo never]
"""
    )

    ended = {name: status for name, status in GOOD.items() if name not in LATER}
    assert bench.phases(build) == {**ended, "INSTALL": "FAILED"}
    assert bench.printed() == ["cleaned"]


LATER = ("PRE_BUILD", "BUILD", "POST_BUILD", "UPLOAD_ARTIFACTS")


@pytest.mark.parametrize(("wanted", "printed"), [("ABORT", []), ("CONTINUE", ["post"])])
def test_on_failure_decides_whether_the_build_goes_on(
    bench: Bench, wanted: str, printed: list[str]
) -> None:
    build = bench.run(
        f"""\
version: 0.2
phases:
  build: {{on-failure: {wanted}, commands: ["false"]}}
  post_build: {{commands: [echo post]}}
"""
    )

    assert (build["buildStatus"], bench.printed()) == ("FAILED", printed)


@pytest.mark.parametrize(
    "ending",
    ["exit 0", "set -e; true", "exec true", "set -u", "trap 'echo trapped' EXIT; exit 0"],
)
def test_a_command_that_ends_its_shell_ends_nothing_else(bench: Bench, ending: str) -> None:
    build = bench.run(
        commands(build=["export A=a; mkdir d; cd d", ending, 'echo "$A$NONE $(basename $PWD)"'])
    )

    assert (build["buildStatus"], bench.printed()[-1:]) == ("SUCCEEDED", ["a d"])


@pytest.mark.parametrize("broken", ["if true", "set -e; false; echo never", "kill -9 $$"])
def test_a_command_that_breaks_its_shell_fails_and_post_build_runs(
    bench: Bench, broken: str
) -> None:
    build = bench.run(commands(build=[broken], post_build=["echo post"]))

    assert (bench.phases(build)["BUILD"], bench.printed()[-1]) == ("FAILED", "post")


def test_the_environment_is_the_build_s_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVELOPERS_SECRET", "hidden")
    settings = {**ENVIRONMENT, "environmentVariables": [{"name": "MINE", "value": "1"}]}

    build = bench.run(commands(build=["env"]), name="verify", environment=settings)

    found = dict(line.partition("=")[::2] for line in bench.printed())
    folder = bench.workshop.folder / build["id"].partition(":")[2]
    assert {name: found.get(name) for name in (*EXPECTED, "DEVELOPERS_SECRET", "HOME")} == {
        **EXPECTED,
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_LOG_PATH": build["id"].partition(":")[2],
        "CODEBUILD_SRC_DIR": str(folder / "src"),
        "CODEBUILD_START_TIME": str(int(build["startTime"] * 1000)),
        "DEVELOPERS_SECRET": None,
        "HOME": str(folder / "home"),
    }
    goes_away(folder)


EXPECTED = {
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_REGION": "us-east-1",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "CODEBUILD_BUILD_ARN": "",
    "CODEBUILD_BUILD_ID": "",
    "CODEBUILD_BUILD_IMAGE": "aws/codebuild/standard:7.0",
    "CODEBUILD_BUILD_NUMBER": "1",
    "CODEBUILD_BUILD_SUCCEEDING": "1",
    "CODEBUILD_INITIATOR": "developers/ada",
    "CODEBUILD_KMS_KEY_ID": "arn:aws:kms:us-east-1:123456789012:alias/aws/s3",
    "CODEBUILD_LOG_PATH": "",
    "CODEBUILD_PROJECT_ARN": "arn:aws:codebuild:us-east-1:123456789012:project/verify",
    "CODEBUILD_SRC_DIR": "",
    "CODEBUILD_START_TIME": "",
    "MINE": "1",
}


def test_exported_variables_are_told_as_they_are_in_the_end(bench: Bench) -> None:
    build = bench.run(
        """\
version: 0.2
env:
  shell: bash
  variables: {FIRST: as declared}
  exported-variables: [FIRST, SECOND, NOT_SET, 'not a name; echo never']
phases:
  build: {commands: ['export SECOND="two \\"quoted\\" $FIRST"']}
"""
    )

    assert build["exportedEnvironmentVariables"] == [
        {"name": "FIRST", "value": "as declared"},
        {"name": "SECOND", "value": 'two "quoted" as declared'},
    ]


PARAMETERS = """\
version: 0.2
env:
  parameter-store: {TOKEN: /verify/token}
phases:
  build: {commands: [echo "$TOKEN"]}
"""


def test_parameters_are_read_as_the_role(bench: Bench) -> None:
    bench.around.parameters["/verify/token"] = "s3cret"

    bench.run(PARAMETERS)

    assert bench.printed() == ["s3cret"]


@pytest.mark.parametrize(
    ("buildspec", "message"),
    [
        (
            PARAMETERS,
            "Decrypted Variables Error: parameter does not exist: /verify/token",
        ),
        (
            "version: 0.2\nphases: {build: [make]}",
            "YAML_FILE_ERROR: Expected phases/build to be of map type at line 2",
        ),
        ("ci/missing.yml", "YAML_FILE_ERROR: stat {}/ci/missing.yml: no such file or directory"),
    ],
)
def test_a_build_that_cannot_begin_says_why(bench: Bench, buildspec: str, message: str) -> None:
    build = bench.run(buildspec)

    source = bench.workshop.folder / build["id"].partition(":")[2] / "src"
    assert build["buildStatus"] == "FAILED"
    assert list(bench.phases(build))[-3:] == ["DOWNLOAD_SOURCE", "FINALIZING", "COMPLETED"]
    assert context(build, "DOWNLOAD_SOURCE") == message.format(source)
