"""The embedded AWS: one process on loopback that serves what the template needs.

    stage.py          starts, finds and stops it; all that the command line imports
    server.py         the process; assembly.py puts its parts together
    entrance.py       whom it answers
    authorization.py  IAM for what happens inside; patches/access.py for what comes over HTTP
    credentials.py    the roles that services act as
    functions/        Lambda
    asl/              Step Functions
    sagemaker/ jobs/  Processing jobs and the model registry
    codedeploy/       Lambda deployments: hooks, canaries, rolling back
    alarms/           how alarms are evaluated
    pace.py           how much faster time passes for what AWS measures in minutes
    persistence.py    what is kept on disk
    patches/          every touch of a private name of MiniStack

What it does not show, and so has to be looked at on AWS:
"""

DIFFERENCES = (
    (
        "Alarms",
        "They are evaluated when somebody asks for them, a deployment for example, and not in the "
        "background; over windows that end now and last their periods divided by "
        "KANMON_TIME_SCALE, half a second at least. Of metric math there is what such alarms use; "
        "the rest, anomaly detection too, is refused when an alarm is made. Notices of alarms are "
        "not in notifications.jsonl.",
    ),
    (
        "Functions",
        "They run on the Python of the development environment, whatever the template's Runtime "
        "says, and with its libraries where a package holds the same ones; neither memory nor the "
        "processor's kind is enforced. X-Ray is off. Layers are not at /opt but in the folder that "
        "LAYERS_ROOT names. A function URL is reached at /_aws/lambda-url/<id>/ of the stage, by "
        "signed requests only, whatever its AuthType.",
    ),
    (
        "Images",
        "The repository answers with digests of the working tree's code: nothing is built, pushed "
        "or pulled, unless the stage runs with --docker.",
    ),
    (
        "IAM",
        "Identity, resource and boundary policies are enforced with their conditions, for one "
        "account. aws:SecureTransport is always true: nothing leaves the machine. Permissions for "
        "X-Ray and for the delivery of the workflow's log are granted but not used here, and "
        "CloudFormation acts as the account's root.",
    ),
    (
        "Logs",
        "Functions and jobs write theirs; the state machine's own log stays empty (its history has "
        "all of it) and retention is not applied.",
    ),
    (
        "Notifications",
        "No mail is sent. Every published message is a line of logs/notifications.jsonl.",
    ),
    (
        "S3",
        "Lifecycle rules, access logs and encryption settings are kept but have no effect.",
    ),
    (
        "DynamoDB",
        "On-demand capacity is never throttled; items past their time to live may stay for long.",
    ),
    (
        "Stopping",
        "Executions and jobs do not outlive the server: at the next start they are ABORTED and "
        "Stopped, with their events. A killed server loses at most the last half second.",
    ),
    (
        "Quotas and speed",
        "No service limits, capacity waits, cold starts or prices are like AWS's.",
    ),
)
