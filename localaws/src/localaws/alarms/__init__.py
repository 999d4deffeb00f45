"""Alarms of the local stage, as CloudWatch evaluates them: pure rules about numbers and names.

expressions.py   metric math: parse, check, evaluate
states.py        from the datapoints of an alarm to its state
"""

DIFFERS = (
    "Alarms are evaluated when they are asked for, by a deployment for example, and not in the "
    "background; over windows that end now and last their periods divided by the time scale, half "
    "a second at least. AWS looks once a minute and an alarm keeps its state until then, so a "
    "deployment that begins within minutes of an undone one may still be stopped by its alarm. The "
    "metric math that such alarms use works; the rest, and anomaly detection, is refused when an "
    "alarm is made. Notices of alarms are not in `notifications.jsonl`."
)
