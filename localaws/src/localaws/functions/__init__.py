"""Lambda functions as processes of this machine.

    template_process.py   has the usual libraries imported and forks one instance at a time
    instance.py           the forked process: loads the handler, answers invocations
    pool.py               the server's side: starts instances, invokes them, ends them in time

Forking is what makes a first call take about as long as importing the handler alone: boto3,
powertools and pydantic are there already. Differences from AWS: the functions run on the
interpreter of the server (whatever `Runtime` says), and a library that is both in the package and
in this list comes from the server's environment, so that a package built for Lambda's Python and
processor runs here too. Memory is not limited.
"""
