# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Explore a stage
#
# Read what runs and batches left, and run a step or a script of your own as a job that writes
# below `scratch/` only. [docs/exploring.md](../docs/exploring.md) says how to start this notebook,
# what it costs, and who may do what.

# %%
import os

from ad_hoc_jobs import run_script, run_step
from exploration import connect

# The local stage after `eval "$(kanmon env)"`. One in an account: connect("kanmon-dev").
stage = connect(os.environ.get("KANMON_STACK", "kanmon-local"))
model = os.environ.get("KANMON_MODEL", "abalone")

# %% [markdown]
# ## A run: its metrics, and what its training rows are like

# %%
run = stage.runs(model)[-1]
print(run)

# %%
stage.metrics(f"{run}/evaluate/evaluation.json")

# %%
stage.baseline(run)

# %% [markdown]
# ## A batch: its scores

# %%
batches = stage.batches(model)
stage.scores(batches[-1]) if batches else "no batch yet"

# %% [markdown]
# ## A step of Kanmon's: train with other parameters, and evaluate that on the run's test rows
#
# No release comes of it: only a run makes one.

# %%
trained = run_step(stage, run, "train", parameters={"rounds": 50})
evaluated = run_step(stage, run, "evaluate", model=f"{trained.outputs}/model")
stage.metrics(f"{evaluated.outputs}/evaluation/evaluation.json")

# %% [markdown]
# ## A script of your own, in the image of a step

# %%
definition = stage.document(f"{run}/run.json")["definition"]["content"]
group = next(one["name"] for one in definition["features"] if one["kind"] == "categorical")
job = run_script(
    stage,
    run,
    "target_by_group.py",
    inputs={"train": f"{run}/preprocess/train/"},
    arguments=[group, definition["target"]],
)
stage.frame(f"{job.outputs}/result")

# %% [markdown]
# ## Clean up
#
# S3 removes it after 30 days by itself.

# %%
stage.clean()
