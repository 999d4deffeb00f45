"""How builds end, and what is told and kept of them."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.jobs.processes import Processes
from localaws.protocol.errors import ServiceError
from support.codebuild_bench import (
    GOOD,
    ROLE,
    STATE_CHANGE,
    Bench,
    Surroundings,
    commands,
    context,
    goes_away,
)
from support.workbench import appears, ends


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


def test_a_build_that_takes_too_long_is_ended_with_all_it_started(
    bench: Bench, tmp_path: Path
) -> None:
    away = f"setsid sh -c 'echo $$ > {tmp_path}/away; sleep 60' &"
    begun = f"until [ -s {tmp_path}/away ]; do :; done; sleep 60"

    build = bench.run(commands(build=[away, begun], post_build=["echo never"]), timeoutInMinutes=30)

    assert build["buildStatus"] == "TIMED_OUT"
    assert context(build, "BUILD") == "BUILD_TIMED_OUT: Build has timed out. "
    assert bench.printed() == []
    ends(int((tmp_path / "away").read_text()))


def test_builds_are_listed_newest_first_and_forgotten_once_they_have_ended(
    bench: Bench, tmp_path: Path
) -> None:
    first = bench.run(commands(build=["true"]), name="verify")["id"]
    second = bench.ended(bench.start())["id"]
    bench.project(commands(build=[f"echo $$ > {tmp_path}/pid; sleep 60"]), name="other")
    running = bench.start("other")
    appears(tmp_path / "pid")
    builds = {"ids": [first, running, "verify:unknown"]}

    listed = bench.service.call("ListBuildsForProject", {"projectName": "verify"})
    deleted = bench.service.call("BatchDeleteBuilds", builds)

    assert listed["ids"] == [second, first]
    assert [one.rpartition("build/")[2] for one in deleted["buildsDeleted"]] == [first]
    assert [one["id"] for one in deleted["buildsNotDeleted"]] == [running, "verify:unknown"]
    left = bench.service.call("ListBuildsForProject", {"projectName": "verify"})
    assert left["ids"] == [second]
    bench.service.call("StopBuild", {"id": running})
    bench.ended(running)


def test_the_builds_of_an_unknown_project_are_not_listed(bench: Bench) -> None:
    with pytest.raises(ServiceError, match="nothing"):
        bench.service.call("ListBuildsForProject", {"projectName": "nothing"})


def test_a_build_can_be_stopped(bench: Bench, tmp_path: Path) -> None:
    bench.project(commands(build=[f"echo $$ > {tmp_path}/pid; sleep 60"]))
    build = bench.start()
    appears(tmp_path / "pid")

    bench.service.call("StopBuild", {"id": build})

    ended = bench.ended(build)
    assert (ended["buildStatus"], bench.phases(ended)["BUILD"]) == ("STOPPED", "STOPPED")
    assert context(ended, "BUILD") == ": The build was stopped"
    ends(int((tmp_path / "pid").read_text()))


def test_stopping_a_build_that_has_ended_changes_nothing(bench: Bench) -> None:
    build = bench.run(commands())

    answer = bench.service.call("StopBuild", {"id": build["id"]})

    assert answer["build"]["buildStatus"] == "SUCCEEDED"


def test_the_role_must_let_codebuild_write_the_log(bench: Bench) -> None:
    bench.around.denied.add("logs:PutLogEvents")

    build = bench.run(commands(build=["echo never"]))

    unique = build["id"].partition(":")[2]
    stream = f"log-group:/aws/codebuild/project-0:log-stream:{unique}"
    assert bench.phases(build) == {"SUBMITTED": "SUCCEEDED", "QUEUED": "FAILED", "COMPLETED": ""}
    assert context(build, "QUEUED") == (
        f"ACCESS_DENIED: Service role {ROLE} does not allow AWS CodeBuild to create Amazon"
        f" CloudWatch Logs log streams for build {build['arn']}. Error message: User:"
        f" arn:aws:sts::123456789012:assumed-role/builds/AWSCodeBuild-{unique} is not authorized to"
        f" perform: logs:PutLogEvents on resource: arn:aws:logs:us-east-1:123456789012:{stream}"
        " because no identity-based policy allows the logs:PutLogEvents action"
    )
    assert [action for _, action, _ in bench.around.asked] == [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ]


def test_a_role_that_stopped_trusting_codebuild_fails_the_build(bench: Bench) -> None:
    bench.project(commands())
    bench.around.untrusting.add(ROLE)

    build = bench.ended(bench.start())

    assert context(build, "QUEUED").startswith("ACCESS_DENIED: CodeBuild is not authorized to")


def test_without_logs_nothing_is_asked_or_written(bench: Bench) -> None:
    off = {"cloudWatchLogs": {"status": "DISABLED"}}

    build = bench.run(commands(build=["echo one"]), logsConfig=off)

    assert (build["buildStatus"], bench.around.lines, bench.around.asked) == ("SUCCEEDED", [], [])
    assert "groupName" not in build["logs"]


def test_state_and_phases_are_told_as_events(bench: Bench) -> None:
    build = bench.run(commands(build=["false"]))

    assert {event.resource for event in bench.around.events} == {build["arn"]}
    states = [event.detail for event in bench.around.events if event.detail_type == STATE_CHANGE]
    phases = [event.detail for event in bench.around.events if event.detail_type != STATE_CHANGE]
    assert [(detail["build-status"], detail["current-phase"]) for detail in states] == [
        ("IN_PROGRESS", "SUBMITTED"),
        ("FAILED", "COMPLETED"),
    ]
    assert [detail["completed-phase"] for detail in phases] == list(GOOD)[:-1]
    failed = next(detail for detail in phases if detail["completed-phase"] == "BUILD")
    assert (failed["completed-phase-status"], failed["completed-phase-context"]) == (
        "FAILED",
        "[COMMAND_EXECUTION_ERROR: Error while executing command: false. Reason: exit status 1]",
    )
    assert set(states[-1]["additional-information"]) == {
        *("artifact", "cache", "environment", "timeout-in-minutes", "queued-timeout-in-minutes"),
        *("build-complete", "build-number", "initiator", "build-start-time", "source"),
        *("source-version", "logs", "phases"),
    }


def test_a_restart_keeps_projects_and_builds_and_ends_what_ran(
    bench: Bench, tmp_path: Path, processes: Processes
) -> None:
    bench.project(commands(build=[f"touch {tmp_path}/begun; sleep 60"]))
    finished = bench.run(commands(), name="other")
    running = bench.start()
    appears(tmp_path / "begun")
    kept = bench.service.get_state()

    again = Bench(tmp_path / "again", Surroundings(), processes)
    again.service.load_persisted_state(kept)

    assert again.service.builds.shown(finished["id"]) == finished
    ended = again.service.builds.shown(running)
    assert (ended["buildStatus"], ended["buildComplete"]) == ("FAULT", True)
    assert context(ended, "BUILD") == (
        "INTERNAL_ERROR: the local stage stopped while this build ran; start it again"
    )
    assert again.around.events[-1].detail["build-status"] == "FAULT"
    assert again.service.call("StartBuild", {"projectName": "verify"})["build"]["buildNumber"] == 2


def test_the_same_token_starts_one_build(bench: Bench) -> None:
    bench.project(commands())

    started = {bench.start(idempotencyToken="once") for _ in range(2)}

    assert len(started) == 1
    with pytest.raises(ServiceError, match="with other parameters"):
        bench.start(idempotencyToken="once", timeoutInMinutesOverride=9)


def test_builds_of_a_project_run_side_by_side(bench: Bench, tmp_path: Path) -> None:
    first = f"mkfifo {tmp_path}/p && echo hello > {tmp_path}/p"
    second = f"until [ -p {tmp_path}/p ]; do :; done; cat {tmp_path}/p"
    bench.project(commands(build=['eval "$WORK"']))

    started = [
        bench.start(environmentVariablesOverride=[{"name": "WORK", "value": work}])
        for work in (first, second)
    ]

    assert [bench.ended(build)["buildStatus"] for build in started] == ["SUCCEEDED"] * 2
    assert bench.printed() == ["hello"]


def test_a_project_s_limit_of_builds_at_a_time_holds(bench: Bench) -> None:
    bench.project(commands(build=["sleep 60"]), concurrentBuildLimit=1)
    first = bench.start()

    with pytest.raises(ServiceError, match="more than 1 active builds") as caught:
        bench.start()

    assert caught.value.code == "AccountLimitExceededException"
    bench.service.call("StopBuild", {"id": first})
    bench.ended(first)
    bench.service.call("StopBuild", {"id": bench.start()})


def test_waiting_ends_with_the_build(bench: Bench, tmp_path: Path) -> None:
    bench.project(commands(build=[f"until [ -e {tmp_path}/go ]; do :; done"]))
    build = bench.start()

    assert not bench.service.builds.wait(build, 0)
    threading.Timer(0.05, (tmp_path / "go").touch).start()
    assert bench.service.builds.wait(build, 10)


def test_what_a_build_protected_from_writing_is_removed_all_the_same(bench: Bench) -> None:
    build = bench.run(
        commands(build=["mkdir -p locked/in; touch locked/in/a; chmod -R a-w locked"])
    )

    goes_away(bench.workshop.folder / build["id"].partition(":")[2])
