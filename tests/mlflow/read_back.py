"""Print every run of a tracking server as JSON, as MLflow's own client reads it.

Run by the Python of .venv-mlflow, which has that client: read_back.py URI
"""

import json
import sys

from mlflow import MlflowClient

client = MlflowClient(sys.argv[1])
found = []
for experiment in client.search_experiments():
    for run in client.search_runs([experiment.experiment_id]):
        history = {
            name: [
                [one.value, one.step] for one in client.get_metric_history(run.info.run_id, name)
            ]
            for name in run.data.metrics
        }
        found.append(
            {
                "experiment": experiment.name,
                "name": run.info.run_name,
                "id": run.info.run_id,
                "status": run.info.status,
                "user": run.info.user_id,
                "started": run.info.start_time,
                "ended": run.info.end_time,
                "params": run.data.params,
                "tags": run.data.tags,
                "metrics": history,
            }
        )
print(json.dumps(found))
