# `make serve` runs Atelier, `make web` its console, `make test` every test. Each sets up what it needs first.

PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help serve web cluster shots setup test check test-setup docs dashboards images up down checksums format clean

help:  ## Show these lines
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

serve: setup  ## Run the gateway and the five services on this machine
	@exec $(BIN)/atelier serve

web: setup  ## Run the web console of web/ on port 3000, beside `make serve`
	@exec $(BIN)/python scripts/web.py start

shots: test-setup  ## Take a picture of every page of the web console, into web/shots
	@$(BIN)/python scripts/web.py build
	@BUILT=1 $(BIN)/python scripts/web.py npm run --silent shots

cluster: setup  ## Run the five services on a Ray of this machine, or of RAY_DASHBOARD_ADDRESS
	@$(BIN)/python -c 'import ray' 2>/dev/null || $(BIN)/pip install --quiet --constraint constraints.txt 'ray[serve]==2.60.*'
	@exec $(BIN)/python deploy/ray/cluster.py

setup:  ## Make .venv and install Atelier
	@$(PYTHON) scripts/setup.py

test-setup:  ## Install what the tests need: libraries, a browser, fonts, recorded speech
	@$(PYTHON) scripts/setup.py --test
	@scripts/test-setup.sh

test: test-setup  ## Run every test
	@$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder
	@$(BIN)/python scripts/web.py build
	@$(BIN)/python scripts/web.py npm test
	@BUILT=1 $(BIN)/python scripts/web.py npm run --silent e2e

check: test-setup  ## Format, lint, types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy --allow-untyped-decorators --allow-subclassing-any training
	@$(BIN)/mypy deploy/grafana
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/check_guides.py
	@find deploy/kubernetes -name '*.yaml' ! -name kustomization.yaml ! -name rayservice.yaml -exec $(BIN)/kubernetes-validate --strict --quiet {} +
	@$(BIN)/shellcheck scripts/*.sh deploy/*.sh .ci/run
	@scripts/check-deploy.sh
	@scripts/check-monitoring.sh
	@$(BIN)/python scripts/web.py npm run --silent check

docs: setup  ## Print the pages that are made from the code
	@$(BIN)/python scripts/settings_page.py > docs/settings.md
	@$(BIN)/python scripts/guide_tables.py

dashboards: test-setup  ## Write Grafana's dashboards from the code
	@$(BIN)/python deploy/grafana/build.py

COMPOSE := docker compose -f docker-compose.ai-services.yml

images:  ## Build the images of the gateway and the services
	@deploy/make-env.sh
	@$(COMPOSE) build

up:  ## Run them in containers, and wait until all are healthy (options: MORE="--profile web")
	@deploy/make-env.sh
	@$(COMPOSE) $(MORE) up --detach --wait

down:  ## Stop the containers (not their data)
	@$(COMPOSE) --profile '*' down

checksums: setup  ## Write down the checksums of the models in the package
	@$(BIN)/python scripts/checksums.py

format:  ## Put the code into its form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:  ## Remove what was installed and built (not the data)
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache src/*.egg-info
