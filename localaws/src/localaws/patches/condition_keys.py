"""Condition keys that template.yaml's policies use and MiniStack's IAM does not fill in."""

import json
import re
from typing import Any

from ministack.core import iam_actions

# By action: condition keys, and the path of the field of a JSON request that each has the value of.
FIELDS = {
    "sagemaker:UpdateModelPackage": {"sagemaker:ModelApprovalStatus": "ModelApprovalStatus"},
    "sagemaker:CreateProcessingJob": {
        "sagemaker:NetworkIsolation": "NetworkConfig.EnableNetworkIsolation",
        "sagemaker:MaxRuntimeInSeconds": "StoppingCondition.MaxRuntimeInSeconds",
    },
    "lambda:CreateFunctionUrlConfig": {"lambda:FunctionUrlAuthType": "AuthType"},
    "lambda:UpdateFunctionUrlConfig": {"lambda:FunctionUrlAuthType": "AuthType"},
}

# The first part of a path in an expression: a name or its placeholder, but no value.
PATH = re.compile(r"(?<![\w:.#])#?[A-Za-z_]\w*")
# The words of an expression that are no attributes.
KEYWORDS = {
    *("SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "IN", "BETWEEN"),
    *("IF_NOT_EXISTS", "LIST_APPEND", "ATTRIBUTE_EXISTS", "ATTRIBUTE_NOT_EXISTS"),
    *("ATTRIBUTE_TYPE", "BEGINS_WITH", "CONTAINS", "SIZE"),
}


def install() -> None:
    """Let the gateway ask for these keys where it asks for those that MiniStack knows."""
    of_tags = iam_actions.request_tag_context
    of_s3 = iam_actions.s3_service_context
    of_dynamodb = iam_actions.dynamodb_service_context

    def request_tag_context(
        service: str, action: str, body: bytes, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            **(of_tags(service, action, body, parameters) if names_tags(body, parameters) else {}),
            **named_fields(action, body),
            **tags_of_secret(action, body),
        }

    def s3_service_context(
        action: str,
        query: dict[str, Any] | None,
        path: str = "",
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        found = dict(of_s3(action, query, path, headers))
        condition = (headers or {}).get("if-none-match")
        if action == "s3:PutObject" and condition:
            found["s3:if-none-match"] = condition
        return found

    def dynamodb_service_context(body: bytes) -> dict[str, Any]:
        return {**of_dynamodb(body), **written_attributes(body), **leading_keys(body)}

    iam_actions.request_tag_context = request_tag_context
    iam_actions.s3_service_context = s3_service_context
    iam_actions.dynamodb_service_context = dynamodb_service_context
    _ask_about_each_item_of_a_transaction()


class ItemAction(str):
    """The action on one item of a transaction, with that item's condition keys."""

    keys: dict[str, list[str]]


def _ask_about_each_item_of_a_transaction() -> None:
    """Give each item of a transaction keys of its own; MiniStack has one context for all of them.

    It asks for each item's action by name alone, so the name has them: see `access.enforce`.
    """
    checks_of = iam_actions.dynamodb_transaction_checks

    def dynamodb_transaction_checks(
        action: str, body: bytes, region: str, account: str
    ) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for item in _document(body).get("TransactItems") or ():
            for member, request in item.items() if isinstance(item, dict) else ():
                alone = json.dumps({"TransactItems": [{member: request}]}).encode()
                for name, table in checks_of(action, alone, region, account):
                    asked, content = ItemAction(name), json.dumps(request).encode()
                    asked.keys = {**written_attributes(content), **leading_keys(content)}
                    found.append((asked, table))
        return found

    iam_actions.dynamodb_transaction_checks = dynamodb_transaction_checks


def names_tags(body: bytes, parameters: dict[str, Any]) -> bool:
    """Can a request set or remove tags? Few do, and MiniStack would first read all that botocore
    knows of the service.

    >>> names_tags(b'{"TagKeys": ["a"]}', {}), names_tags(b"", {"Tags.member.1.Key": ["a"]})
    (True, True)
    >>> names_tags(b'{"Name": "Tags"}', {"Action": ["CreateStack"]})
    False
    """
    if body[:1] == b"{" and iam_actions._TAG_MEMBERS & _document(body).keys():
        return True
    patterns = (iam_actions._QUERY_TAG_RE, iam_actions._QUERY_TAG_KEY_RE)
    return any(pattern.match(name) for name in parameters for pattern in patterns)


def named_fields(action: str, body: bytes) -> dict[str, str]:
    """The condition keys of an action whose values are fields of the request, as IAM writes them.

    A field that is not there, or that is no single value, gives no key.

    >>> named_fields("sagemaker:UpdateModelPackage", b'{"ModelApprovalStatus": "Approved"}')
    {'sagemaker:ModelApprovalStatus': 'Approved'}
    >>> named_fields("sagemaker:DescribeModelPackage", b'{"ModelApprovalStatus": "Approved"}')
    {}
    >>> named_fields(
    ...     "sagemaker:CreateProcessingJob", b'{"NetworkConfig": {"EnableNetworkIsolation": true}}'
    ... )
    {'sagemaker:NetworkIsolation': 'true'}
    """
    if action not in FIELDS:
        return {}
    document, found = _document(body), {}
    for key, path in FIELDS[action].items():
        value: Any = document
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str | int):
            found[key] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def tags_of_secret(action: str, body: bytes) -> dict[str, str]:
    """The tags of the secret that a request is about, each as a key of its own."""
    if not action.startswith("secretsmanager:"):
        return {}
    from ministack.services import secretsmanager

    asked = _document(body).get("SecretId")
    _, secret = secretsmanager._resolve(asked) if isinstance(asked, str) else (None, None)
    tags = (secret or {}).get("Tags") or ()
    return {f"secretsmanager:ResourceTag/{tag['Key']}".lower(): tag["Value"] for tag in tags}


def written_attributes(body: bytes) -> dict[str, list[str]]:
    """The attributes that a PutItem or an UpdateItem names; other requests write none.

    >>> written_attributes(b'{"TableName": "t", "Item": {"model": {"S": "m"}}}')
    {'dynamodb:Attributes': ['model']}
    >>> written_attributes(b'{"Key": {"model": {}}, "UpdateExpression": "SET #a = :b REMOVE c.d",'
    ...     b' "ExpressionAttributeNames": {"#a": "status"}}')
    {'dynamodb:Attributes': ['model', 'status', 'c']}
    """
    document = _document(body)
    item = document.get("Item")
    if isinstance(item, dict):
        return {"dynamodb:Attributes": list(item)}
    if not {"UpdateExpression", "AttributeUpdates"} & document.keys():
        return {}
    names = document.get("ExpressionAttributeNames") or {}
    expressions = (document.get(key) or "" for key in ("UpdateExpression", "ConditionExpression"))
    words = [word for text in expressions for word in PATH.findall(text)]
    named = [names.get(word, word) for word in words if word.upper() not in KEYWORDS]
    legacy = [*(document.get("AttributeUpdates") or ()), *(document.get("Expected") or ())]
    found = [*document.get("Key", ()), *named, *legacy]
    return {"dynamodb:Attributes": list(dict.fromkeys(found))}


def leading_keys(body: bytes) -> dict[str, list[str]]:
    """The partition key of the one item that a request is about, if it is about one."""
    from ministack.services import dynamodb

    document = _document(body)
    item = document.get("Key") or document.get("Item")
    table = dynamodb._tables.get(str(document.get("TableName", "")).rpartition("/")[2]) or {}
    if not isinstance(item, dict):
        return {}
    names = [key["AttributeName"] for key in table.get("KeySchema", ()) if key["KeyType"] == "HASH"]
    values = [str(value) for name in names for value in item.get(name, {}).values()]
    return {"dynamodb:LeadingKeys": values} if values else {}


def _document(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
