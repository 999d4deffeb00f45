# Its comments are the help. Python 3.11+, make and git are all it needs.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv

lock: $(UV) ## Renew every lock file from pyproject.toml
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group dev -o requirements/dev.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group control -c requirements/dev.txt -o functions/control/requirements.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group steps -c requirements/dev.txt -o containers/requirements.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group sam -o requirements/sam.txt
	$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --group bench -o requirements/bench.txt

setup: .venv/ready ## Make .venv from the locks

$(UV): requirements/uv.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $(UV)

.venv/ready: requirements/dev.txt pyproject.toml | $(UV)
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt requirements/uv.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
