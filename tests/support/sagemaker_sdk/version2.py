"""Version 2 of the SageMaker SDK, as a team may still use it: a script in a step's image.

It knows nothing of Kanmon: AWS's own variables say where the stage is. Arguments: the script, the
image, the job's role, the bucket, the folder of its results, the job's name.
"""

import sys

import sagemaker
from sagemaker.network import NetworkConfig
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor

script, image, role, bucket, folder, job = sys.argv[1:]

processor = ScriptProcessor(
    role=role,
    image_uri=image,
    command=["python"],
    instance_type="ml.m5.large",
    instance_count=1,
    max_runtime_in_seconds=600,
    network_config=NetworkConfig(enable_network_isolation=True),
    sagemaker_session=sagemaker.Session(default_bucket=bucket, default_bucket_prefix=folder),
)
processor.run(
    code=script,
    inputs=[ProcessingInput(source=script, destination="/opt/ml/processing/input/words")],
    outputs=[
        ProcessingOutput(
            output_name="result",
            source="/opt/ml/processing/output/result",
            destination=f"s3://{bucket}/{folder}/{job}",
        )
    ],
    arguments=["version 2"],
    job_name=job,
)
print(processor.latest_job.describe()["ProcessingJobStatus"])
