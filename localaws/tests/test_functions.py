"""Functions on the local stage behave as in Lambda."""

from localaws.stage import Stage
from support.making import Client, invoke, make_function, package, printed
from support.waiting import eventually

FAILING = """
class LockTakenError(Exception):
    pass

def handler(event, context):
    raise LockTakenError("run 7 holds the lock")
"""


def test_an_error_is_known_by_its_own_name(client: Client) -> None:
    name = make_function(client, FAILING)

    document, failed = invoke(client, name)

    assert failed
    assert document["errorType"] == "LockTakenError"
    assert document["errorMessage"] == "run 7 holds the lock"
    assert "in handler" in document["stackTrace"][-1]


def test_its_log_says_what_was_printed_and_how_it_ended(client: Client) -> None:
    name = make_function(client, "def handler(event, context):\n    print('hello', event)\n")

    invoke(client, name, {"a": 1})

    lines = printed(client, name)
    assert [line.split()[0] for line in lines] == ["START", "hello", "END", "REPORT"]
    assert lines[1] == "hello {'a': 1}"


def test_it_acts_as_its_role_and_knows_its_place(client: Client) -> None:
    source = """
import os, boto3
def handler(event, context):
    return {
        "who": boto3.client("sts").get_caller_identity()["Arn"],
        "name": context.function_name == os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        "left": 0 < context.get_remaining_time_in_millis() <= 5000,
        "memory": context.memory_limit_in_mb,
        "own": os.environ["OWN"],
        "region": os.environ["AWS_REGION"],
        "folder": os.getcwd() == os.environ["LAMBDA_TASK_ROOT"],
        "home": os.environ.get("HOME"),
    }
"""
    name = make_function(client, source, OWN="value", AWS_REGION="mars")

    answer, failed = invoke(client, name)

    assert not failed
    role = client("lambda").get_function_configuration(FunctionName=name)["Role"]
    assert answer.pop("who").split("/")[1:] == [role.rpartition("/")[2], name]
    assert answer == {
        "name": True,
        "left": True,
        "memory": "128",
        "own": "value",
        "region": "us-east-1",
        "folder": True,
        "home": None,
    }


def test_a_timeout_ends_it_and_the_next_call_works(client: Client) -> None:
    source = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n"
    name = make_function(client, source, timeout=1)

    document, failed = invoke(client, name, 60)

    assert failed
    assert document["errorType"] == "Sandbox.Timedout"
    assert document["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert invoke(client, name, 0) == ("done", False)


def test_a_process_that_dies_is_an_error_and_the_next_call_works(client: Client) -> None:
    source = "import os\ndef handler(event, context):\n    return os._exit(event) if event else 1\n"
    name = make_function(client, source)

    assert invoke(client, name, 3)[0]["errorType"] == "Runtime.ExitError"
    assert invoke(client, name, 0) == (1, False)


def test_a_handler_that_cannot_be_imported_says_so(client: Client) -> None:
    name = make_function(client, "import no_such_module\n")

    document, failed = invoke(client, name)

    assert failed
    assert document["errorType"] == "Runtime.ImportModuleError"
    assert "no_such_module" in document["errorMessage"]


def test_a_result_that_is_not_json_is_an_error(client: Client) -> None:
    name = make_function(client, "def handler(event, context):\n    return {1, 2}\n")

    assert invoke(client, name)[0]["errorType"] == "Runtime.MarshalError"


def test_much_output_does_not_block_it(client: Client) -> None:
    name = make_function(client, "def handler(event, context):\n    print('x' * 5_000_000)\n")

    assert invoke(client, name) == (None, False)


def test_new_code_and_configuration_are_used_at_once(client: Client) -> None:
    first = "import os\ndef handler(event, context):\n    return os.environ['STEP'] + '1'\n"
    name = make_function(client, first, STEP="a")
    assert invoke(client, name) == ("a1", False)

    client("lambda").update_function_configuration(
        FunctionName=name, Environment={"Variables": {"STEP": "b"}}
    )
    assert invoke(client, name) == ("b1", False)

    client("lambda").update_function_code(
        FunctionName=name, ZipFile=package(first.replace("'1'", "'2'"))
    )
    assert invoke(client, name) == ("b2", False)


def test_what_the_package_holds_comes_before_what_is_installed(client: Client) -> None:
    source = "import app\ndef handler(event, context):\n    return app.__file__\n"
    name = make_function(client, source)

    assert str(invoke(client, name)[0]).endswith("/app.py")


def test_an_event_reaches_a_function_by_the_pattern_of_its_rule(
    stage: Stage, client: Client
) -> None:
    name = make_function(client, "def handler(event, context):\n    print(event['detail'])\n")
    events = client("events")
    rule = events.put_rule(
        Name="bad-ends", EventPattern='{"source": ["shop.test"], "detail": {"status": ["BAD"]}}'
    )["RuleArn"]
    arn = client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    events.put_targets(Rule="bad-ends", Targets=[{"Id": "function", "Arn": arn}])
    client("lambda").add_permission(
        FunctionName=name,
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )

    for status in ("GOOD", "BAD"):
        events.put_events(
            Entries=[
                {
                    "Source": "shop.test",
                    "DetailType": "End",
                    "Detail": f'{{"status": "{status}"}}',
                }
            ]
        )

    def said() -> list[str]:
        try:
            return [line for line in printed(client, name) if "status" in line]
        except client("logs").exceptions.ResourceNotFoundException:
            return []

    assert eventually(said) == ["{'status': 'BAD'}"]
