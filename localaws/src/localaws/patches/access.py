"""MiniStack's IAM: who is root, what is recorded, and the resources of services we add."""

import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions, iam_evaluator

from localaws.home import ACCOUNT
from localaws.patches import condition_keys

Recorder = Callable[[str, str, str, bool], None]
ArnOf = Callable[[str, dict[str, Any], str, str], str]


def install(root_key: str, record: Recorder) -> None:
    """Enforce for every caller but `root_key`, and give `record` each decision about a role.

    Must run before anything else imports MiniStack's services: some copy these names.
    """
    _only_one_root(root_key)
    _record_decisions(record)
    _deny_the_unnamed()
    _ask_about_alarms_as_a_list()
    _know_a_session_by_its_role()
    condition_keys.install()


def _only_one_root(root_key: str) -> None:
    """MiniStack takes "test", no key at all and any account number for root, unsigned."""

    def is_root(access_key_id: str) -> bool:
        return access_key_id == root_key

    iam_evaluator.is_root_access_key = is_root
    # Here the name decides whether a signature is checked at all. It always is.
    iam_evaluator._is_root_key = lambda access_key_id: False


def _record_decisions(record: Recorder) -> None:
    decide = iam_evaluator.enforce

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        keys = getattr(iam_action, "keys", {})  # of one item of a transaction
        outcome = decide(
            access_key_id,
            iam_action,
            service,
            region,
            resource_arn=resource_arn,
            service_context={**(service_context or {}), **keys} if keys else service_context,
        )
        role = session_role(access_key_id)
        if role and not isinstance(outcome, iam_evaluator.AuthError):
            record(role, iam_action, resource_arn, outcome is None)
        return outcome

    iam_evaluator.enforce = enforce


# IAM knows no permission for the batches: what does one of them does them all.
SAME_PERMISSION = {
    f"sqs:{name}Batch": f"sqs:{name}"
    for name in ("ChangeMessageVisibility", "DeleteMessage", "SendMessage")
}


def _deny_the_unnamed() -> None:
    """A request whose action MiniStack cannot name would pass unasked; give it a name to deny."""
    name_of = iam_actions.extract_iam_action

    def extract_iam_action(service: str, *request: Any) -> str:
        named = name_of(service, *request) or f"{service}:UnknownOperation"
        return SAME_PERMISSION.get(named, named)

    iam_actions.extract_iam_action = extract_iam_action


def _ask_about_alarms_as_a_list() -> None:
    """DescribeAlarms can be granted on alarms; MiniStack asks for it on everything there is."""
    known = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *more: Any
    ) -> Any:
        found = known(service, method, path, headers, body, *more)
        asked = f"{path} {headers.get('x-amz-target', '')} ".encode() + (body or b"")[:200]
        if service == "monitoring" and found == "*" and b"DescribeAlarms" in asked:
            _, region, account = more
            return f"arn:aws:cloudwatch:{region}:{account}:alarm:*"
        return found

    iam_actions.extract_resource_arn = extract_resource_arn


def _know_a_session_by_its_role() -> None:
    """For AWS, aws:PrincipalArn of a session is its role's ARN; for MiniStack, the session's."""
    known = iam_evaluator._resolve_condition_key

    def resolve_condition_key(key: str, asked: Any) -> Any:
        found = known(key, asked)
        if key.lower() == "aws:principalarn" and ":assumed-role/" in str(found):
            return _role_arn(str(found))
        return found

    iam_evaluator._resolve_condition_key = resolve_condition_key


def _role_arn(session: str) -> str:
    from ministack.services import iam

    name = iam_evaluator._role_name_from_assumed_arn(session)
    role = iam._roles.get_scoped(ACCOUNT, None, name) or {}
    return str(role.get("Arn", f"arn:aws:iam::{ACCOUNT}:role/{name}"))


def add_managed_policy(name: str, statements: list[dict[str, Any]]) -> None:
    """Let roles have a policy of AWS's that MiniStack does not know, such as service-role/X."""
    from ministack.services import iam

    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    record = iam._make_aws_managed_record(name, document)
    iam._aws_managed_policies[record["Arn"]] = record


def add_service(service: str, arn_of: ArnOf) -> None:
    """Enforce IAM for a JSON-protocol service of ours; `arn_of` names a request's resource."""
    iam_actions.SERVICE_TO_IAM_NAMESPACE[service] = service
    known = iam_actions.extract_resource_arn

    def extract_resource_arn(
        asked: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> Any:
        if asked != service:
            return known(asked, method, path, headers, body, query_params, region, account_id)
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return "*"
        return arn_of(action, request if isinstance(request, dict) else {}, region, account_id)

    iam_actions.extract_resource_arn = extract_resource_arn


def session_role(access_key_id: str) -> str | None:
    """Return the name of the role behind temporary credentials, None for anything else."""
    from ministack.services import sts

    session = sts._sessions.get(access_key_id)
    if session is None or ":assumed-role/" not in session["Arn"]:
        return None
    return str(iam_evaluator._role_name_from_assumed_arn(session["Arn"]))


def decide(
    role_name: str, action: str, resource: str, region: str, context: dict[str, Any]
) -> bool:
    """Evaluate the role's policies, and its boundary, for one action on one resource."""
    from ministack.services import iam

    policies = iam_evaluator._gather_role_policies(role_name, ACCOUNT)
    limits = iam_evaluator._permissions_boundary(iam._roles, role_name, ACCOUNT)
    question = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{role_name}/localaws",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=region,
        secure_transport=True,
        service_context={key.lower(): value for key, value in context.items()},
    )
    return bool(iam_evaluator.evaluate(question, policies, *limits).decision == "Allow")
