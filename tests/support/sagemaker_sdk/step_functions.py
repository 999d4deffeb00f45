"""AWS's Step Functions Data Science SDK: a state machine whose one state is a Processing job.

Its arguments are those of version2.py, and the role of the state machine.
"""

import sys

from sagemaker.network import NetworkConfig
from sagemaker.processing import ProcessingInput, ProcessingOutput, Processor
from sagemaker.session import Session
from stepfunctions.steps import Chain, ProcessingStep
from stepfunctions.workflow import Workflow

script, image, role, bucket, folder, job, machine_role = sys.argv[1:]

session = Session(default_bucket=bucket, default_bucket_prefix=folder)
code = session.upload_data(script, key_prefix=f"{folder}/{job}/code")
step = ProcessingStep(
    "Say a word",
    processor=Processor(
        role=role,
        image_uri=image,
        instance_type="ml.m5.large",
        instance_count=1,
        max_runtime_in_seconds=600,
        network_config=NetworkConfig(enable_network_isolation=True),
        sagemaker_session=session,
    ),
    job_name=job,
    inputs=[
        ProcessingInput(source=code, destination="/opt/ml/processing/input/code", input_name="code")
    ],
    outputs=[
        ProcessingOutput(
            output_name="result",
            source="/opt/ml/processing/output/result",
            destination=f"s3://{bucket}/{folder}/{job}",
        )
    ],
    container_entrypoint=["python", f"/opt/ml/processing/input/code/{code.rpartition('/')[2]}"],
    container_arguments=["a state machine"],
)
workflow = Workflow(name=job, definition=Chain([step]), role=machine_role)
workflow.create()
execution = workflow.execute()
execution.get_output(wait=True)
print(execution.describe()["status"])
