# `make` lists the targets by their comments. It needs Python 3.11+, make and git.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
STAGE ?= local
# Three for two processors: a quarter of the time, tests wait for a stage.
WORKERS := --numprocesses 3 --dist loadfile --no-loadscope-reorder

# Many processes run the same code here, so it must be compiled once, whatever the shell's setting.
unexport PYTHONDONTWRITEBYTECODE

# Certificates of the system, and not those that uv and pip bring: behind a company's proxy that opens
# TLS, only the system's store has the proxy's. Empty where Python knows no file of them.
export UV_SYSTEM_CERTS ?= true
SYSTEM_CERTS = $$($(PYTHON) -c 'import ssl; print(ssl.get_default_verify_paths().cafile or "")')

.DEFAULT_GOAL := help
.PHONY: help run demo test check quick-tests test-localaws test-faults test-docs test-docker test-mlflow test-browser pictures trend-picture bench data deploy clean notebook differences lock setup

help: ## List what you can do here
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22
	@test ! -x $(BIN)/kanmon || echo "  $(BIN)/kanmon --help lists what the command line does"

run: .venv/ready datasets/abalone/abalone.csv ## Go from data to a model in service on a local stage; APPROVE=no stops at the review
	@$(BIN)/kanmon up
	@$(BIN)/kanmon deploy
	@$(BIN)/kanmon put-data abalone datasets/abalone/abalone.csv
	@$(BIN)/kanmon run abalone
ifneq ($(APPROVE),no)
	@$(BIN)/kanmon approve abalone --as approver --if-waiting --watch --reason "the demo approves automatically"
	@head -4 datasets/abalone/abalone.csv | $(BIN)/kanmon score abalone -
endif
	@$(BIN)/kanmon plan segments

demo: .venv/ready ## Watch a model in service: three weeks of generated requests to churn, with a drift and late labels
	@$(BIN)/kanmon up
	@$(BIN)/kanmon deploy
	@$(BIN)/python -m sample_data.churn
	@$(BIN)/kanmon put-data churn --from datasets/churn
	@$(BIN)/kanmon run churn
	@$(BIN)/kanmon approve churn --as approver --if-waiting --watch --reason "the demo approves automatically"
	@eval "$$($(BIN)/kanmon env)" && $(BIN)/python -m sample_data.three_weeks
	@$(BIN)/kanmon put-labels churn datasets/churn-labels/labels.csv
	@$(BIN)/kanmon monitor churn --days 22 || test $$? -eq 4 # an alarm is what it shall end with

# Side by side: mypy alone would leave a processor idle for a minute where it has no cache.
test: .venv/ready ## Run the checks and all tests but the tiers below
	@$(MAKE) --no-print-directory --jobs=2 check quick-tests

quick-tests: .venv/ready
	@$(BIN)/pytest -m "not faults and not docs and not docker and not mlflow" $(WORKERS)

check: .venv/ready ## Run ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@cd localaws && ../$(BIN)/mypy

test-localaws: .venv/ready ## Run the embedded AWS's own tests
	@cd localaws && ../$(BIN)/pytest $(WORKERS)

test-faults: .venv/ready ## Break all that runs, kill it behind every state and between writes, remove it, hold grants to their use
	@$(BIN)/pytest tests/cli tests/retrain tests/integration tests/unit/score -m faults $(WORKERS)

test-docs: .venv/ready .venv-sam/ready .venv-notebook/ready .venv-sagemaker2/ready .venv-mlflow/ready datasets/abalone/abalone.csv ## Test the commands of the documents, with the SAM CLI, the AWS CLI and the SageMaker SDK
	@$(BIN)/pytest tests/docs -m docs --numprocesses 2 --dist loadgroup

test-docker: .venv/ready .venv-sam/ready ## Test the steps and functions in real containers; needs a Docker engine
	@$(BIN)/pytest tests/docker -m docker
	@cd localaws && ../$(BIN)/pytest -m docker

test-mlflow: .venv/ready .venv-mlflow/ready ## Test experiment records against a real MLflow server
	@$(BIN)/pytest tests/mlflow -m mlflow

test-browser: .venv/ready .venv-browser/ready datasets/abalone/abalone.csv ## Test the console in a real browser; needs Chromium
	@.venv-browser/bin/pytest tests/browser -m browser -p no:cacheprovider

pictures: trend-picture .venv-browser/ready ## Take the documents' pictures from a running stage; needs Chromium
	@.venv-browser/bin/python docs/pictures.py

trend-picture: .venv/ready datasets/abalone/abalone.csv ## Draw only docs/pictures/trend.svg, which needs no Chromium
	@$(BIN)/python docs/trend_picture.py

bench: .venv/ready .venv-bench/ready .venv-sam/ready datasets/abalone/abalone.csv ## Measure speed and quality against baselines; takes some minutes
	@$(BIN)/python benchmarks/start.py
	@$(BIN)/python benchmarks/loop.py
	@$(BIN)/python benchmarks/preprocess.py --rows 1000000 10000000 --repeat 2
	@$(BIN)/python benchmarks/batch.py --rows 1000000 10000000 --repeat 2
	@$(BIN)/python benchmarks/quality.py
	@$(BIN)/python -P benchmarks/quality_tables.py
	@$(BIN)/python -P benchmarks/search.py
	@$(BIN)/python benchmarks/gate.py
	@$(BIN)/python benchmarks/drift.py --runs 200
	@$(BIN)/python benchmarks/monitor.py
	@$(BIN)/python benchmarks/tick.py
	@$(BIN)/python benchmarks/scoring.py
	@$(BIN)/python benchmarks/release.py
	@$(BIN)/python benchmarks/hosts.py
	@if docker info >/dev/null 2>&1; then $(BIN)/python benchmarks/step_functions.py; \
		else echo "SKIPPED: benchmarks/step_functions.py (no Docker engine on this machine)"; fi

data: .venv/ready datasets/abalone/abalone.csv ## Download or generate the data of the three models
	@$(BIN)/python -m sample_data.churn
	@$(BIN)/python -m sample_data.segments

deploy: .venv/ready $(if $(filter-out local,$(STAGE)),.venv-sam/ready) ## Deploy the platform to a stage: make deploy STAGE=dev
	@$(BIN)/kanmon deploy --stage $(STAGE)

clean: ## Stop the local stage; remove its state and all build output
	@test ! -x $(BIN)/kanmon || $(BIN)/kanmon down --erase
	@rm -rf build .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis

datasets/abalone/abalone.csv: | .venv/ready
	@$(BIN)/python -m sample_data.abalone

notebook: .venv-notebook/ready ## Make notebooks/explore.ipynb from notebooks/explore.py
	@.venv-notebook/bin/jupytext --quiet --update --to ipynb notebooks/explore.py

differences: .venv/ready ## Renew the table of docs/local-stage.md from what localaws knows
	@$(BIN)/python -m localaws.differences docs/local-stage.md

lock: $(UV) ## Update every lock file from pyproject.toml and localaws/pyproject.toml
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header localaws/pyproject.toml --group dev -o requirements/dev.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group control -c requirements/dev.txt -o functions/control/requirements.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group rows -c requirements/dev.txt -o functions/rows/requirements.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group step-images -c requirements/dev.txt -o containers/requirements.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group scoring -c requirements/dev.txt -o serving/scoring/requirements.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group verify -c requirements/dev.txt -c requirements/uv.txt -o serving/requirements.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group sam -o requirements/sam.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group bench -c requirements/dev.txt -o requirements/bench.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group browser -c requirements/dev.txt -o requirements/browser.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group notebook -o requirements/notebook.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group sagemaker2 -o requirements/sagemaker2.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group mlflow -o requirements/mlflow.txt

setup: .venv/ready ## Create .venv from the lock files

$(UV): requirements/uv.txt
	@$(PYTHON) -m venv .venv
	@PIP_CERT="$${PIP_CERT:-$(SYSTEM_CERTS)}" $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $(UV)

.venv/ready: requirements/dev.txt pyproject.toml localaws/pyproject.toml | $(UV)
	@echo "Setting up .venv from requirements/dev.txt; the first time takes a minute"
	@$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements/dev.txt requirements/uv.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . --editable localaws
	@touch $@

.venv-sam/ready: requirements/sam.txt | $(UV)
	@echo "Setting up .venv-sam (SAM CLI and AWS CLI) from requirements/sam.txt"
	@$(PYTHON) -m venv .venv-sam
	@$(UV) pip sync --quiet --compile-bytecode --python .venv-sam/bin/python --require-hashes requirements/sam.txt
	@touch $@

.venv-mlflow/ready: requirements/mlflow.txt | $(UV)
	@echo "Setting up .venv-mlflow (MLflow's tracking server) from requirements/mlflow.txt"
	@$(PYTHON) -m venv .venv-mlflow
	@$(UV) pip sync --quiet --compile-bytecode --python .venv-mlflow/bin/python --require-hashes requirements/mlflow.txt
	@touch $@

.venv-browser/ready: requirements/browser.txt | $(UV)
	@echo "Setting up .venv-browser (browser tests) from requirements/browser.txt"
	@$(PYTHON) -m venv .venv-browser
	@$(UV) pip sync --quiet --python .venv-browser/bin/python --require-hashes requirements/browser.txt
	@touch $@

.venv-notebook/ready: requirements/notebook.txt | $(UV)
	@echo "Setting up .venv-notebook (notebooks, with the SageMaker SDK) from requirements/notebook.txt"
	@$(PYTHON) -m venv .venv-notebook
	@$(UV) pip sync --quiet --python .venv-notebook/bin/python --require-hashes requirements/notebook.txt
	@touch $@

.venv-sagemaker2/ready: requirements/sagemaker2.txt | $(UV)
	@echo "Setting up .venv-sagemaker2 (version 2 of the SageMaker SDK, for a test) from requirements/sagemaker2.txt"
	@$(PYTHON) -m venv .venv-sagemaker2
	@$(UV) pip sync --quiet --python .venv-sagemaker2/bin/python --require-hashes requirements/sagemaker2.txt
	@touch $@

.venv-bench/ready: requirements/bench.txt | $(UV)
	@echo "Setting up .venv-bench (baselines of the benchmarks) from requirements/bench.txt"
	@$(PYTHON) -m venv .venv-bench
	@$(UV) pip sync --quiet --compile-bytecode --python .venv-bench/bin/python --require-hashes requirements/bench.txt
	@touch $@
