"""An embedded AWS: one process on loopback that serves what a SAM application needs.

stage.py          starts, finds and stops it; __main__.py does the same from the command line
steps.py          the folder of step code that jobs run from
server.py         the process; assembly.py puts its parts together
entrance.py       which requests it answers
authorization.py  IAM for what happens inside; patches/access.py for what comes over HTTP
credentials.py    the roles that services act as
functions/        Lambda
asl/              Step Functions
sagemaker/ jobs/  Processing jobs and the model registry
codebuild/        builds: they run their buildspec in a clean folder
codedeploy/       Lambda deployments: hooks, canaries, rolling back
codepipeline/     pipelines: sources, approvals, actions as their roles
parts.py          what a service of our own is given and offers; protocol/ what all share
alarms/           how alarms are evaluated
pace.py           how much faster time passes for what AWS measures in minutes
persistence.py    what is kept on disk
patches/          every touch of a private name of MiniStack
differences.py    what it does not show, and so has to be looked at on AWS
"""
