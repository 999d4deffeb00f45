"""botocore's import without its documentation."""

import json
import subprocess
import sys

CLIENT = """
import json, sys
from kanmon.stage.connection import light_session
session = light_session(None)
session.set_credentials("key", "secret")
client = session.create_client("s3", region_name="us-east-1")
loaded = [name for name in sys.modules if name.startswith("botocore.docs")]
facts = {
    "loaded": loaded,
    "text": client.get_object.__doc__,
    "address": client.generate_presigned_url("get_object", Params={"Bucket": "data", "Key": "k"}),
    "waits": client.get_waiter("bucket_exists").name,
    "pages": client.can_paginate("list_objects_v2"),
}
from botocore.docs import generate_docs
from botocore.docs.docstring import ClientMethodDocstring
facts["later"] = ClientMethodDocstring.__mro__[1].__name__
print(json.dumps(facts))
"""


def test_a_client_works_without_texts_that_no_command_shows():
    words = [sys.executable, "-c", CLIENT]
    done = subprocess.run(words, capture_output=True, text=True, check=True)

    facts = json.loads(done.stdout)

    assert facts["loaded"] == []
    assert facts["text"] == ""
    assert facts["address"].startswith("https://data.s3.amazonaws.com/k?")
    assert facts["waits"] == "BucketExists"
    assert facts["pages"]
    assert facts["later"] == "LazyLoadedDocstring"
