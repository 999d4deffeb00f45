"""What cfn-lint finds in a template."""

# Checks that are not ours to pass, each with its reason.
SKIPPED = {
    "WS1004": "the functions share one log group with a retention, which this check does not see",
    "ES1007": "a report that fails three times raises EventsGivenUpAlarm; the lock is taken over",
    "ES4000": "EventBridge retries for a day, RetrainFailedAlarm notifies by another way",
    "W1020": "SAM fills in the stack's name in a layer's, and leaves the substitution around it",
    "ES7000": "an e-mail subscription is the only one, and its messages cannot be redriven",
    "ES6000": "a queue of dead letters has none; test_planning.py holds the other to its own",
}


def findings(template: str, rules: list[str] | None = None) -> list[str]:
    # Here, because it loads for a second, and pytest reads this file in every worker.
    from cfnlint.api import lint
    from cfnlint.config import ManualArgs

    config = ManualArgs(append_rules=rules or [], ignore_checks=list(SKIPPED))
    found = lint(template, regions=["us-east-1", "eu-west-1"], config=config)
    return [f"{match.rule.id} {'/'.join(map(str, match.path or []))}: {match}" for match in found]
