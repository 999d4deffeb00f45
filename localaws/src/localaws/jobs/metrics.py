"""What a job used of its instances, as the CloudWatch metrics SageMaker records for it."""

import os
import time
from collections.abc import Iterable

from localaws.jobs.layout import Host
from localaws.jobs.processes import Process
from localaws.jobs.work import Work
from localaws.sagemaker.account import Ports


def measure(ports: Ports, work: Work, used: Iterable[tuple[Host, Process]], began: float) -> None:
    """Record each host's mean CPU and peak memory, if the job's role may.

    The instance is this machine: 100 % of CPU is one core, as on AWS; of memory, all there is.
    """
    context = {"cloudwatch:namespace": work.form.group}
    if not ports.allowed(work.role, "cloudwatch:PutMetricData", "*", context):
        return
    seconds = max(time.monotonic() - began, 0.001)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for host, process in used:
        name = f"{work.name}/{host.name}"
        for metric, share in (
            ("CPUUtilization", process.cpu_seconds / seconds),
            ("MemoryUtilization", process.memory_bytes / memory),
        ):
            if process.measured and share > 0:
                ports.write_metric(work.form.group, metric, 100 * share, name)
