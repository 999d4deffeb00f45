"""A buildspec, version 0.2, read strictly, with the words of CodeBuild's errors.

CodeBuild passes over a key that it does not know. Such a key is nearly always a slip of the
keyboard, so here it is an error; what CodeBuild knows and this stage does not do is a remark.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from yaml import MappingNode, Node, SafeLoader, ScalarNode, SequenceNode, YAMLError, compose
from yaml.constructor import SafeConstructor

VERSION = "0.2"
DEFAULT_FILE = "buildspec.yml"
PHASES = ("install", "pre_build", "build", "post_build")
SHELLS = {"sh": "/bin/sh", "/bin/sh": "/bin/sh", "bash": "bash", "/bin/bash": "bash"}
RUNTIMES = ("dotnet", "golang", "java", "nodejs", "php", "python", "ruby")
TRUE, FALSE = ("yes", "true", "on"), ("no", "false", "off")


class BuildspecError(Exception):
    """The buildspec cannot be run; the text is the message beside YAML_FILE_ERROR."""


@dataclass(frozen=True)
class Phase:
    """The commands of one phase, and what its failure means for the rest."""

    commands: tuple[str, ...] = ()
    finally_commands: tuple[str, ...] = ()
    on_failure: str | None = None
    """ABORT, CONTINUE, or None for CodeBuild's own way on."""


@dataclass(frozen=True)
class Output:
    """One set of files that the build leaves."""

    files: tuple[str, ...]
    base_directory: str = "."
    exclude: tuple[str, ...] = ()
    discard_paths: bool = False
    name: str | None = None


@dataclass(frozen=True)
class Buildspec:
    """All of a buildspec that this stage runs."""

    phases: Mapping[str, Phase]
    variables: Mapping[str, str] = field(default_factory=dict)
    parameter_store: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    exported: tuple[str, ...] = ()
    shell: str = "/bin/sh"
    runtimes: Mapping[str, str] = field(default_factory=dict)
    artifacts: Output | None = None
    remarks: tuple[str, ...] = ()
    """What it asks for that this stage leaves out, for the log."""


def parse(text: str) -> Buildspec:
    """Read a buildspec; raises BuildspecError.

    >>> parse("version: 0.2\\nphases: {build: {commands: [make]}}").phases["build"].commands
    ('make',)
    """
    try:
        root = compose(text, Loader=SafeLoader)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise BuildspecError(f"{problem} at line {mark.line + 1 if mark else 0}") from error
    if root is None:
        raise BuildspecError("the buildspec is empty")
    return _Reader().buildspec(root)


class _Reader:
    """Walks the YAML nodes: they know their lines, and that `yes` was written, not true."""

    def __init__(self) -> None:
        self.remarks: list[str] = []

    def buildspec(self, root: Node) -> Buildspec:
        top = self.members(
            root,
            "The buildspec",
            ("version", "env", "phases", "artifacts"),
            ("run-as", "proxy", "batch", "reports", "cache"),
        )
        if "version" not in top:
            raise BuildspecError(f"version is missing: write `version: {VERSION}`")
        version = text_of(top["version"], "version")
        if version != VERSION:
            raise BuildspecError(f"version {version}: localaws runs version {VERSION} only")
        if "phases" not in top:
            raise BuildspecError("phases is missing")
        env = self.members(
            top.get("env"),
            "env",
            ("variables", "parameter-store", "secrets-manager", "exported-variables", "shell"),
            ("git-credential-helper",),
        )
        shell = text_of(env["shell"], "env/shell") if "shell" in env else "sh"
        if shell not in SHELLS:
            raise BuildspecError(f"env/shell {shell}: there are sh and bash")
        phases, runtimes = self.phases(top["phases"])
        return Buildspec(
            phases=phases,
            variables=texts_by_name(env.get("variables"), "env/variables"),
            parameter_store=texts_by_name(env.get("parameter-store"), "env/parameter-store"),
            secrets=tuple(texts_by_name(env.get("secrets-manager"), "env/secrets-manager")),
            exported=texts_of(env.get("exported-variables"), "exported-variables"),
            shell=SHELLS[shell],
            runtimes=runtimes,
            artifacts=self.artifacts(top.get("artifacts")),
            remarks=tuple(self.remarks),
        )

    def phases(self, node: Node) -> tuple[dict[str, Phase], dict[str, str]]:
        found, runtimes = {}, {}
        for name, inside in self.members(node, "phases", PHASES).items():
            known = ("commands", "finally", "on-failure", "runtime-versions")
            members = self.members(inside, f"phases/{name}", known, ("run-as",))
            if "runtime-versions" in members:
                runtimes.update(self.runtimes(name, members["runtime-versions"]))
            found[name] = Phase(
                texts_of(members.get("commands"), "Commands"),
                texts_of(members.get("finally"), "Finally"),
                self.on_failure(name, members.get("on-failure")),
            )
        return found, runtimes

    def runtimes(self, phase: str, node: Node) -> dict[str, str]:
        if phase != "install":
            raise BuildspecError(f"phases/{phase}/runtime-versions: only install has it")
        found = texts_by_name(node, "runtime-versions")
        for runtime in found:
            if runtime not in RUNTIMES:
                raise BuildspecError(
                    f"Unknown runtime named '{runtime}'. This build image has the following"
                    f" runtimes: {', '.join(RUNTIMES)}"
                )
        return found

    def on_failure(self, phase: str, node: Node | None) -> str | None:
        if node is None:
            return None
        value = text_of(node, f"phases/{phase}/on-failure")
        if value.startswith("RETRY"):
            self.remarks.append(f"phases/{phase}/on-failure: {value} does not try again here")
            return "ABORT"
        if value not in ("ABORT", "CONTINUE"):
            raise BuildspecError(f"phases/{phase}/on-failure {value}: use ABORT or CONTINUE")
        return value

    def artifacts(self, node: Node | None) -> Output | None:
        if node is None:
            return None
        known = ("files", "name", "discard-paths", "base-directory", "exclude-paths")
        left_out = ("enable-symlinks", "s3-prefix", "secondary-artifacts")
        members = self.members(node, "artifacts", known, left_out)
        if "files" not in members:
            raise BuildspecError("artifacts: files is missing")
        base = members.get("base-directory")
        name = members.get("name")
        return Output(
            files=texts_of(members["files"], "Files"),
            base_directory=text_of(base, "base-directory") if base else ".",
            exclude=texts_of(members.get("exclude-paths"), "exclude-paths"),
            discard_paths=truth_of(members.get("discard-paths"), "discard-paths"),
            name=text_of(name, "name") if name else None,
        )

    def members(
        self,
        node: Node | None,
        where: str,
        known: tuple[str, ...],
        left_out: tuple[str, ...] = (),
    ) -> dict[str, Node]:
        """The members of a mapping that are known; those this stage leaves out are remarked."""
        found = dict(entries(node, where))
        for name in sorted(found.keys() - {*known, *left_out}):
            line = found[name].start_mark.line + 1
            raise BuildspecError(
                f"{where} has no key {name!r} (at line {line}); it may have: {', '.join(known)}"
            )
        for name in left_out:
            if found.pop(name, None):
                self.remarks.append(f"{where}: {name} has no effect here")
        return found


def entries(node: Node | None, where: str) -> Iterator[tuple[str, Node]]:
    """Yield what a mapping holds, in its order; nothing for a value that was left empty."""
    if node is None or is_empty(node):
        return
    if not isinstance(node, MappingNode):
        line = node.start_mark.line + 1
        raise BuildspecError(f"Expected {where} to be of map type at line {line}")
    seen: set[str] = set()
    for key, _ in node.value:
        name = text_of(key, where)
        if name in seen:
            line = key.start_mark.line + 1
            raise BuildspecError(f"key {name!r} already set in {where} at line {line}")
        seen.add(name)
    try:
        SafeConstructor().flatten_mapping(node)  # YAML's merge keys; what they bring comes first
    except (YAMLError, RecursionError) as error:
        raise BuildspecError(f"{where} merges what is not a map") from error
    yield from ((text_of(key, where), value) for key, value in node.value)


def texts_of(node: Node | None, name: str) -> tuple[str, ...]:
    """The strings of a sequence."""
    if node is None or is_empty(node):
        return ()
    if not isinstance(node, SequenceNode):
        line = node.start_mark.line + 1
        raise BuildspecError(f"Expected {name} to be of sequence type at line {line}")
    return tuple(text_of(value, f"{name}[{number}]") for number, value in enumerate(node.value))


def texts_by_name(node: Node | None, where: str) -> dict[str, str]:
    """The strings of a mapping."""
    return {name: text_of(value, f"{where}/{name}") for name, value in entries(node, where)}


def text_of(node: Node, name: str) -> str:
    if isinstance(node, ScalarNode):
        return str(node.value)
    line = node.start_mark.line + 1
    found = "subkeys" if isinstance(node, MappingNode) else "a sequence"
    # Nearly always a colon and a space inside a command that is not quoted.
    raise BuildspecError(
        f"Expected {name} to be of string type: found {found} instead at line {line},"
        f" value of the key tag on line {line - 1} might be empty"
    )


def truth_of(node: Node | None, name: str) -> bool:
    text = text_of(node, name).lower() if node else "no"
    if text not in (*TRUE, *FALSE):
        raise BuildspecError(f"{name} {text}: use yes or no")
    return text in TRUE


def is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"
