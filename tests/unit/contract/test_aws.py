"""A session of AWS is not led by what code of a model's folder left in the home folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONTAINERS = Path(__file__).parents[3] / "containers"
ASKING = """
import json
from contract import aws
client = aws.session().create_client("s3", region_name="us-east-1")
given = client._request_signer._credentials
model = client.meta.service_model.operation_model("GetObject")
print(json.dumps([given and given.access_key, client.meta.endpoint_url, model.http["requestUri"]]))
"""
DUMPABLE = "; import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"


def asked(home: Path, code: str, **environment: str) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    given = {**kept, "HOME": str(home), "PYTHONPATH": str(CONTAINERS), **environment}
    words = [sys.executable, "-c", code]
    return subprocess.run(words, env=given, check=True, capture_output=True, text=True).stdout


def test_neither_a_profile_nor_a_description_of_the_home_folder_is_read(tmp_path: Path) -> None:
    aws = tmp_path / ".aws"
    models = aws / "models/s3/2006-03-01"
    models.mkdir(parents=True)
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    evil.chmod(0o755)
    settings = f"credential_process = {evil}\nendpoint_url = http://127.0.0.1:9\n"
    (aws / "config").write_text(f"[default]\n{settings}")
    keys = "aws_access_key_id = planted\naws_secret_access_key = planted\n"
    (aws / "credentials").write_text(f"[default]\n{keys}")
    (tmp_path / ".boto").write_text(f"[Credentials]\n{keys}")
    (models / "service-2.json").write_text("{}")

    planted, address, request = json.loads(
        asked(tmp_path, ASKING, AWS_EC2_METADATA_DISABLED="true")
    )

    assert planted is None
    assert address == "https://s3.amazonaws.com"
    assert request == "/{Bucket}/{Key+}"
    assert not (tmp_path / "ran").exists()


def test_the_environments_credentials_are_taken(tmp_path: Path) -> None:
    found = asked(tmp_path, ASKING, AWS_ACCESS_KEY_ID="of-the-role", AWS_SECRET_ACCESS_KEY="s")

    assert json.loads(found)[0] == "of-the-role"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can close a process so")
def test_the_processes_that_have_credentials_are_closed_to_others_of_the_same_user(
    tmp_path: Path,
) -> None:
    """Linux then lets root alone read their environment and memory (prctl(2), PR_SET_DUMPABLE)."""
    gathering = (
        "import gather.__main__ as step; "
        "step.main = lambda paths, end: print(end.__name__); step.begin(None)"
    )
    function = {"KANMON_STEP": "evaluate", "KANMON_IMAGE": "a@b", "KANMON_DISK_MB": "1"}
    place = {"TMPDIR": str(tmp_path), "AWS_REGION": "us-east-1"}

    assert asked(tmp_path, "import os" + DUMPABLE).strip() == "1"
    assert asked(tmp_path, gathering + DUMPABLE).split() == ["end_children", "0"]
    assert (
        asked(tmp_path, "import on_lambda.handler" + DUMPABLE, **function, **place).strip() == "0"
    )
