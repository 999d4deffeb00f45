"""The embedded AWS: one process on loopback that serves what the template needs.

    stage.py          starts, finds and stops it; all that the command line imports
    server.py         the process; assembly.py puts its parts together
    entrance.py       whom it answers
    authorization.py  IAM for what happens inside; patches/access.py for what comes over HTTP
    credentials.py    the roles that services act as
    functions/        Lambda
    asl/              Step Functions
    sagemaker/ jobs/  Processing jobs and the model registry
    codebuild/        builds: what a buildspec says, in a clean folder
    codedeploy/       Lambda deployments: hooks, canaries, rolling back
    codepipeline/     pipelines: sources, approvals, actions as their roles
    parts.py          what a service of our own is given and offers; protocol/ what all share
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
        "KANMON_TIME_SCALE, half a second at least. AWS looks once a minute and leaves an alarm "
        "its state until then, so a deployment that begins within minutes of an undone one may "
        "still be stopped by its alarm. Of metric math there is what such alarms use; the rest, "
        "anomaly detection too, is refused when an alarm is made. Notices of alarms are not in "
        "notifications.jsonl.",
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
        "Time",
        "What AWS measures in minutes (a canary, the time a hook has to answer, an alarm's period) "
        "is divided by KANMON_TIME_SCALE, 200 unless set when the stage starts. Approvals are not, "
        "unless it is set and their limit is an hour or less.",
    ),
    (
        "Builds",
        "They run on this machine with its programs, not in the project's image; runtime-versions "
        "is noted in the log, and the version that is there is used. A build inherits PATH and "
        "nothing else. Reports, batch builds, networks, Secrets Manager and logs to S3 are left "
        "out. A failed phase fails the build, also with on-failure: CONTINUE.",
    ),
    (
        "Pipelines",
        "Type V2 with the actions S3, Manual, CodeBuild, CloudFormation and Lambda, and the rule "
        "VariableCheck before a stage. A Lambda action calls its function once; AWS calls "
        "asynchronously and retries. Of a pipeline the last 100 ended executions are kept.",
    ),
    (
        "Deployments",
        "CodeDeploy is there for Lambda. A hook that raises fails its deployment at once, where "
        "AWS waits for the hook's answer up to an hour. A rollback moves all traffic at once and "
        "runs no hooks. Alias and stack are rolled back at the next start if the stage was killed.",
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
        "What runs does not outlive the server. At the next start executions are ABORTED, and "
        "cannot be redriven; jobs are Failed with InternalServerError, deployments Stopped, builds "
        "FAULT, pipeline actions failed so that their stage can be retried; waiting approvals go "
        "on waiting. Events of the last seconds before a kill may come twice; a killed server "
        "loses the last half second, up to five where it holds very much.",
    ),
    (
        "Quotas and speed",
        "No service limits, capacity waits, cold starts or prices are like AWS's.",
    ),
)
