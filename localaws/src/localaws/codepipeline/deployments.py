"""Deploy by CloudFormation: a stack is made, updated, replaced or deleted from an artifact."""

import io
import json
import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from localaws.codepipeline.account import Acting, ActionError, Artifact, Result, Task
from localaws.codepipeline.sources import Store, StoreError, refused
from localaws.protocol.errors import not_here


class OverridesError(Exception):
    """A file or a value that the action's configuration names cannot be had."""


class Artifacts:
    """The input artifacts of one action, each read at most once."""

    def __init__(self, store: Store, acting: Acting, inputs: Sequence[Artifact]) -> None:
        self._store = store
        self._acting = acting
        self._inputs = {artifact.name: artifact for artifact in inputs}
        self._read: dict[str, bytes] = {}

    def find(self, name: str) -> Artifact:
        try:
            return self._inputs[name]
        except KeyError:
            raise OverridesError(f"{name} is not an input artifact of the action") from None

    def text(self, path: str) -> str:
        """A file's text, by `Artifact::file`; raises OverridesError and StoreError."""
        name, _, file = path.partition("::")
        artifact = self.find(name)
        if name not in self._read:
            found = self._store.read(self._acting, artifact.bucket, artifact.key, None)
            self._read[name] = found.body
        try:
            with zipfile.ZipFile(io.BytesIO(self._read[name])) as archive:
                return archive.read(file).decode()
        except KeyError:
            raise OverridesError(f"File [{file}] does not exist in artifact [{name}]") from None
        except (zipfile.BadZipFile, UnicodeDecodeError) as error:
            raise OverridesError(f"Artifact [{name}] is not a zip of text files: {error}") from None

    def json(self, path: str) -> dict[str, Any]:
        """A file's JSON object, by `Artifact::file`."""
        try:
            value = json.loads(self.text(path))
        except ValueError as error:
            raise OverridesError(f"{path} is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise OverridesError(f"{path} is not a JSON object")
        return value


def parameters(overrides: str) -> dict[str, str]:
    """The values of ParameterOverrides, a JSON object of strings."""
    try:
        given = json.loads(overrides)
    except ValueError as error:
        raise OverridesError(f"ParameterOverrides is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise OverridesError("ParameterOverrides is not a JSON object")
    return {name: value_of(name, value) for name, value in given.items()}


def value_of(name: str, value: object) -> str:
    if isinstance(value, dict):
        missing = not_here(f"functions of artifacts in ParameterOverrides, as {name} has one")
        raise OverridesError(str(missing))
    if not isinstance(value, str):
        raise OverridesError(f"The override of parameter {name} must be a string")
    return value


# States of a stack that REPLACE_ON_FAILURE replaces.
BROKEN = (
    *("CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"),
    "UPDATE_ROLLBACK_FAILED",
)
GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
NO_UPDATES = "No updates are to be performed"


class StackError(Exception):
    """CloudFormation refused; `code` is its own, such as ValidationError."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Stack:
    """What DescribeStacks shows of a stack."""

    identity: str
    status: str
    reason: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StackOrder:
    """The stack as it shall be."""

    name: str
    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    capabilities: Sequence[str]
    role: str
    policy: Mapping[str, Any] | None = None


class Stacks(Protocol):
    """CloudFormation as a role sees it; the calls raise StackError."""

    def may_pass(self, acting: Acting, role: str) -> bool:
        """Whether the role may hand another one to CloudFormation."""

    def describe(self, acting: Acting, name: str) -> Stack | None: ...
    def create(self, acting: Acting, order: StackOrder) -> None: ...
    def update(self, acting: Acting, order: StackOrder) -> None: ...
    def delete(self, acting: Acting, name: str, role: str) -> None: ...

    def wait(self, identity: str, abandoned: threading.Event) -> None:
        """Wait until the operation on the stack (by id) has ended, or the action is abandoned."""

    def reason(self, acting: Acting, identity: str) -> str:
        """Why it failed, from the stack's events."""


class CloudFormationAction:
    """The provider "CloudFormation"."""

    def __init__(self, stacks: Stacks, store: Store) -> None:
        self._stacks = stacks
        self._store = store

    def __call__(self, task: Task) -> Result:
        try:
            return self._deploy(task)
        except StackError as error:
            denied = error.code in ("AccessDenied", "AccessDeniedException")
            kind = "PermissionError" if denied else "ConfigurationError"
            raise ActionError(kind, f"{error} (Error Code: {error.code})") from error
        except StoreError as error:
            raise refused(error, task.inputs[0].bucket, task.inputs[0].key) from error
        except OverridesError as error:
            raise ActionError("ConfigurationError", str(error)) from error

    def _deploy(self, task: Task) -> Result:
        name, role = task.configuration["StackName"], task.configuration["RoleArn"]
        if not self._stacks.may_pass(task.acting, role):
            raise ActionError(
                "PermissionError",
                f"{task.acting.role} is not authorized to perform: iam:PassRole on resource:"
                f" {role}",
            )
        stack = self._stacks.describe(task.acting, name)
        mode = task.configuration["ActionMode"]
        if mode == "DELETE_ONLY":
            return self._delete(task, stack)
        order = self._order(task)
        if stack and stack.status == "REVIEW_IN_PROGRESS":
            stack = None
        if stack and mode == "REPLACE_ON_FAILURE" and stack.status in BROKEN:
            self._delete(task, stack)
            stack = None
        if stack is None:
            self._stacks.create(task.acting, order)
        elif not self._update(task, order):
            return self._result(task, stack, f"{NO_UPDATES}.")
        return self._await(task, name)

    def _update(self, task: Task, order: StackOrder) -> bool:
        """Update the stack; return whether there was anything to update."""
        try:
            self._stacks.update(task.acting, order)
        except StackError as error:
            if NO_UPDATES in str(error):
                return False
            raise
        return True

    def _await(self, task: Task, name: str) -> Result:
        begun = self._stacks.describe(task.acting, name)
        if begun is None:
            raise ActionError("JobFailed", f"The stack {name} is gone")
        task.report(begun.identity, None)
        self._stacks.wait(begun.identity, task.abandoned)
        stack = self._stacks.describe(task.acting, begun.identity)
        if stack is None or stack.status not in GOOD:
            status = stack.status if stack else "DELETE_COMPLETE"
            said = stack.reason if stack else ""
            reason = self._stacks.reason(task.acting, begun.identity) or said
            raise ActionError(
                "JobFailed",
                f"The deployment of stack {name} ended in {status}"
                f"{': ' + reason if reason else ''}",
                begun.identity,
            )
        return self._result(task, stack, f"Stack {name} was deployed: {stack.status}")

    def _result(self, task: Task, stack: Stack, summary: str) -> Result:
        file_name = task.configuration.get("OutputFileName")
        if file_name and task.outputs:
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(file_name, json.dumps(dict(stack.outputs)))
            target = task.outputs[0]
            self._store.write(task.acting, target.bucket, target.key, packed.getvalue())
        return Result(summary, stack.identity, variables=stack.outputs)

    def _delete(self, task: Task, stack: Stack | None) -> Result:
        name = task.configuration["StackName"]
        if stack is None:
            return Result(f"There is no stack {name}")
        self._stacks.delete(task.acting, name, task.configuration["RoleArn"])
        self._stacks.wait(stack.identity, task.abandoned)
        left = self._stacks.describe(task.acting, stack.identity)
        if left and left.status != "DELETE_COMPLETE":
            raise ActionError(
                "JobFailed", f"The stack {name} could not be deleted: {left.status}", stack.identity
            )
        return Result(f"Stack {name} was deleted", stack.identity)

    def _order(self, task: Task) -> StackOrder:
        configuration = task.configuration
        artifacts = Artifacts(self._store, task.acting, task.inputs)
        settings: dict[str, Any] = {}
        if "TemplateConfiguration" in configuration:
            settings = artifacts.json(configuration["TemplateConfiguration"])
        overrides = configuration.get("ParameterOverrides", "{}")
        capabilities = configuration.get("Capabilities", "")
        return StackOrder(
            name=configuration["StackName"],
            template=artifacts.text(configuration["TemplatePath"]),
            parameters={
                **settings.get("Parameters", {}),
                **parameters(overrides),
            },
            tags=settings.get("Tags", {}),
            capabilities=[one.strip() for one in capabilities.split(",") if one.strip()],
            role=configuration["RoleArn"],
            policy=settings.get("StackPolicy"),
        )
