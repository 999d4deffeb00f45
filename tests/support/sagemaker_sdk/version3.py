"""Version 3 of the SageMaker SDK by itself, without the helpers of notebooks/.

Its arguments are those of version2.py.
"""

import sys

from sagemaker.core.helper.session_helper import Session
from sagemaker.core.network import NetworkConfig
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.resources import ProcessingJob
from sagemaker.core.shapes import (
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)

script, image, role, bucket, folder, job = sys.argv[1:]

processor = ScriptProcessor(
    role=role,
    image_uri=image,
    command=["python"],
    instance_type="ml.m5.large",
    instance_count=1,
    max_runtime_in_seconds=600,
    network_config=NetworkConfig(enable_network_isolation=True),
    sagemaker_session=Session(default_bucket=bucket, default_bucket_prefix=folder),
)
processor.run(
    code=script,
    inputs=[
        ProcessingInput(
            input_name="words",
            s3_input=ProcessingS3Input(
                s3_uri=script,
                local_path="/opt/ml/processing/input/words",
                s3_data_type="S3Prefix",
                s3_input_mode="File",
            ),
        )
    ],
    outputs=[
        ProcessingOutput(
            output_name="result",
            s3_output=ProcessingS3Output(
                s3_uri=f"s3://{bucket}/{folder}/{job}",
                local_path="/opt/ml/processing/output/result",
                s3_upload_mode="EndOfJob",
            ),
        )
    ],
    arguments=["version 3"],
    job_name=job,
)
print(ProcessingJob.get(job).processing_job_status)
