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

DIFFERS = (
    "Functions run on the Python of the development environment, whatever the template's `Runtime` "
    "says, and with its libraries where a package contains the same ones; neither memory nor the "
    "processor's kind is enforced. X-Ray is off. Layers are not at `/opt` but in the folder that "
    "`LAYERS_ROOT` names. A function URL is at `/_aws/lambda-url/<id>/` of the stage and takes "
    "signed requests only, whatever its `AuthType`."
)
