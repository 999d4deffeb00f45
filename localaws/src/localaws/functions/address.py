"""Where a function URL is on a stage."""

from urllib.parse import urlsplit

PATH = "/_aws/lambda-url/"


def reachable(function_url: str, endpoint: str) -> str:
    """The address of a function URL at the local stage; requests are signed for this address.

    >>> reachable("https://abc.lambda-url.us-east-1.on.aws/", "http://127.0.0.1:4566")
    'http://127.0.0.1:4566/_aws/lambda-url/abc/'
    """
    name = (urlsplit(function_url).hostname or "").partition(".")[0]
    return f"{endpoint.rstrip('/')}{PATH}{name}/"
