"""What a buildspec says, and what is wrong with one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yaml import safe_dump

from localaws.codebuild.buildspec import Buildspec, BuildspecError, Output, Phase, parse

WHOLE = """\
version: 0.2
env:
  shell: bash
  variables: {STAGE: local, ANSWER: yes}
  parameter-store: {TOKEN: /verify/token}
  exported-variables: [RELEASE]
phases:
  install:
    runtime-versions: {python: 3.13}
    commands: [make setup]
  build:
    on-failure: ABORT
    commands:
      - make verify
      - |
        echo one
        echo two
    finally: ["echo: done"]
reports:
  tests: {files: ["**/*"]}
artifacts:
  files: ["**/*"]
  base-directory: build
  exclude-paths: ["**/*.pyc"]
  discard-paths: yes
  name: release-$RELEASE
cache:
  paths: [.cache/**/*]
"""


def test_all_of_a_buildspec_is_read() -> None:
    assert parse(WHOLE) == Buildspec(  # noqa: S604 - nothing is run
        phases={
            "install": Phase(("make setup",)),
            "build": Phase(("make verify", "echo one\necho two\n"), ("echo: done",), "ABORT"),
        },
        # As written: a shell has no truth values.
        variables={"STAGE": "local", "ANSWER": "yes"},
        parameter_store={"TOKEN": "/verify/token"},
        exported=("RELEASE",),
        shell="bash",
        runtimes={"python": "3.13"},
        artifacts=Output(("**/*",), "build", ("**/*.pyc",), True, "release-$RELEASE"),
        remarks=(
            "The buildspec: reports has no effect here",
            "The buildspec: cache has no effect here",
        ),
    )


BUILD = "version: 0.2\nphases:\n  build:\n    "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # CodeBuild's own words for the most frequent slip of all.
        (
            f'{BUILD}commands:\n      - echo "a: b"\n',
            "Expected Commands[0] to be of string type: found subkeys instead at line 5,"
            " value of the key tag on line 4 might be empty",
        ),
        (
            f"{BUILD}commands:\n      - [make, all]\n",
            "Expected Commands[0] to be of string type: found a sequence instead at line 5,"
            " value of the key tag on line 4 might be empty",
        ),
        (f"{BUILD}commands: make\n", "Expected Commands to be of sequence type at line 4"),
        ("", "the buildspec is empty"),
        ("version: 0.2\nphases: [build", "expected ',' or ']', but got '<stream end>' at line 2"),
        ("phases: {}", "version is missing: write `version: 0.2`"),
        ("version: 0.1\nphases: {}", "version 0.1: localaws runs version 0.2 only"),
        ("version: 0.2", "phases is missing"),
        ("version: 0.2\nphases: make", "Expected phases to be of map type at line 2"),
        (
            "version: 0.2\nphases: {biuld: {}}",
            "phases has no key 'biuld' (at line 2); it may have: install, pre_build, build,"
            " post_build",
        ),
        (f"{BUILD}on-failure: STOP", "phases/build/on-failure STOP: use ABORT or CONTINUE"),
        (
            f"{BUILD}runtime-versions: {{python: 3.13}}",
            "phases/build/runtime-versions: only install has it",
        ),
        (
            "version: 0.2\nphases: {install: {runtime-versions: {docker: 20}}}",
            "Unknown runtime named 'docker'. This build image has the following runtimes:"
            " dotnet, golang, java, nodejs, php, python, ruby",
        ),
        (
            "version: 0.2\nenv: {shell: fish}\nphases: {}",
            "env/shell fish: there are sh and bash",
        ),
        (
            "version: 0.2\nphases: {}\nartifacts: {name: a}",
            "artifacts: files is missing",
        ),
        (
            "version: 0.2\nphases: {}\nartifacts: {files: [a], discard-paths: maybe}",
            "discard-paths maybe: use yes or no",
        ),
        (
            "version: 0.2\nphases: {}\nphases: {}",
            "key 'phases' already set in The buildspec at line 3",
        ),
    ],
)
def test_a_wrong_buildspec_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(BuildspecError) as caught:
        parse(text)

    assert str(caught.value) == message


def test_what_the_stage_leaves_out_is_said() -> None:
    read = parse("version: 0.2\nrun-as: me\nphases: {build: {on-failure: RETRY-3}}\nbatch: {}")

    assert read.phases == {"build": Phase(on_failure="ABORT")}
    assert read.remarks == (
        "The buildspec: run-as has no effect here",
        "The buildspec: batch has no effect here",
        "phases/build/on-failure: RETRY-3 does not try again here",
    )


def test_anchors_and_merge_keys_are_resolved() -> None:
    read = parse(
        "version: 0.2\nphases:\n"
        "  pre_build: &steps {commands: [make], on-failure: CONTINUE}\n"
        "  build: {<<: *steps, commands: [make all]}\n"
    )

    assert read.phases["build"] == Phase(("make all",), (), "CONTINUE")


texts = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20)
names = st.from_regex("[A-Z]{1,5}", fullmatch=True)


@given(st.lists(texts, max_size=3), st.dictionaries(names, texts, max_size=3))
def test_commands_and_variables_arrive_as_they_were_written(
    commands: list[str], variables: dict[str, str]
) -> None:
    written = {
        "version": "0.2",
        "env": {"variables": variables},
        "phases": {"build": {"commands": commands}},
    }

    read = parse(safe_dump(written, allow_unicode=True))

    assert (read.phases["build"].commands, read.variables) == (tuple(commands), variables)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        parse(text)
    except BuildspecError as error:
        assert str(error)
