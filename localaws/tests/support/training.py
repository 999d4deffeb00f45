"""A Training job of the tests, and what its programs begin with."""

from typing import Any

from support.workbench import ROLE

# In a container the folder is /opt/ml; PROCESSING_ROOT is set where that cannot be.
START = """
import json, os, pathlib, sys
root = pathlib.Path(os.environ.get("PROCESSING_ROOT", "/opt/ml/processing")).parent
config = json.loads((root / "input/config/resourceconfig.json").read_text())
host = config["current_host"]
"""


def request(name: str, image: str, bucket: str = "bucket", **changes: Any) -> dict[str, Any]:
    channels = {"rows": f"s3://{bucket}/in/", "plan": f"s3://{bucket}/plan.json"}
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "InputDataConfig": [
            {
                "ChannelName": channel,
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": uri,
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
            }
            for channel, uri in channels.items()
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/out", "CompressionType": "NONE"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **changes,
    }
