# Everything runs from a bare checkout: each target makes the environments it needs, inside the checkout.
PYTHON ?= python3
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

DEV := .venv
MINISTACK := .venv-ministack
SAM := .venv-sam
BENCH := .venv-bench
CHECKOV := .venv-checkov
MUTATION := .venv-mutation
ENVIRONMENTS := $(DEV)/ready $(MINISTACK)/ready $(SAM)/ready
TERRAFORM := .venv-terraform
CDK := cdk/node_modules
TYPESCRIPT := examples/cdk-typescript/node_modules

# Only what goes to AWS must start fast: here any Python builds the function. `make dist` demands the runtime's own.
test examples cdk-functions: export BYTECODE := optional

.PHONY: help
help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

.PHONY: demo
demo: $(ENVIRONMENTS) ## the story of most people on a local cloud, then a rehearsal with three HSMs
	@$(DEV)/bin/python -m sandbox demo

.PHONY: examples
examples: $(ENVIRONMENTS) $(CDK)/ready $(TYPESCRIPT)/ready cdk-functions ## deploy every example on one local cloud, by the commands of its README
	@$(DEV)/bin/python -m sandbox examples $(ARGUMENTS)

.PHONY: sam-local
sam-local: $(DEV)/ready $(SAM)/ready ## every event through `sam local invoke`, in containers where there is an engine
	@$(DEV)/bin/python -m sandbox sam-local $(ARGUMENTS)

.PHONY: rehearse
rehearse: $(ENVIRONMENTS) ## play TEMPLATE on a local cloud in every way that its change can go, ARGUMENTS="--parameter Name=value ..."
	@$(DEV)/bin/python -m sandbox rehearse $(if $(TEMPLATE),"$(TEMPLATE)") $(ARGUMENTS)

.PHONY: rehearsals
rehearsals: $(ENVIRONMENTS) ## rehearse every template of examples/ and three foreign ones, and hold each to what is promised
	@$(DEV)/bin/python -m sandbox rehearsals

.PHONY: sandbox
sandbox: $(ENVIRONMENTS) ## keep the local cloud running; CLUSTERS= HSMS= HSM_TYPE= OUTCOME=Revert SPEED= WAIT=seconds
	@$(DEV)/bin/python -m sandbox run $(if $(CLUSTERS),--clusters "$(CLUSTERS)") $(if $(HSMS),--hsms "$(HSMS)") \
	  $(if $(HSM_TYPE),--hsm-type "$(HSM_TYPE)") $(if $(OUTCOME),--outcome "$(OUTCOME)") $(if $(SPEED),--speed "$(SPEED)") \
	  $(if $(WAIT),--wait "$(WAIT)")

.PHONY: test
test: $(ENVIRONMENTS) $(CDK)/ready $(TYPESCRIPT)/ready $(TERRAFORM)/ready cdk-functions ## the tests, with coverage of the function
	$(DEV)/bin/python -m pytest --numprocesses=4 --dist=loadfile --no-loadscope-reorder --cov --cov-report=term-missing:skip-covered

.PHONY: weekly
weekly: $(ENVIRONMENTS) $(CDK)/ready $(TYPESCRIPT)/ready cdk-functions ## the tests that `make test` leaves out, since each takes minutes
	$(DEV)/bin/python -m pytest -m weekly

.PHONY: unit
unit: $(DEV)/ready ## the tests that need neither network nor local cloud
	$(DEV)/bin/python -m pytest tests/unit

.PHONY: mutants
mutants: $(DEV)/ready ## plant mutants one by one and see that the tests catch each
	@$(if $(SIMULATE),SIMULATE=$(SIMULATE)) $(DEV)/bin/python -m tools.mutants

.PHONY: mutation-score
mutation-score: $(MUTATION)/ready ## let mutmut mutate core and protocol, MODULES="cloudhsm_settings.reconcile*"; the survivors at the end (hours)
	ulimit -v 8000000 && $(MUTATION)/bin/mutmut run $(MODULES)
	@$(MUTATION)/bin/mutmut results
	@$(MUTATION)/bin/mutmut export-cicd-stats && cat mutants/mutmut-cicd-stats.json

.PHONY: simulate
simulate: $(DEV)/ready ## live REQUESTS requests through the whole life of stacks, with every fault, from SEED
	@PYTHONPATH=src $(DEV)/bin/python -m tests.simulation $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(SEED),--seed $(SEED)) $(if $(PROCESSES),--processes $(PROCESSES))

.PHONY: bench
bench: $(DEV)/ready $(MINISTACK)/ready $(SAM)/ready $(BENCH)/ready ## measure cold starts, calls, latency and scale beside the alternatives (minutes)
	@PYTHONPATH=src $(DEV)/bin/python -m bench $(ARGUMENTS)

.PHONY: generate
generate: $(ENVIRONMENTS) ## write anew what is generated: schema snapshots performance screens night dashboard, or those in ARGUMENTS
	@for each in $(or $(ARGUMENTS),schema snapshots performance screens night dashboard); do \
	  echo "$$each ..."; PYTHONPATH=src:cli $(DEV)/bin/python -m tools.$$each || exit; done

.PHONY: cdk-functions
# The function, in the CDK package.
cdk-functions: $(DEV)/ready
	@$(MAKE) --silent -C cdk functions PYTHON="$(CURDIR)/$(DEV)/bin/python"

.PHONY: lint
lint: $(DEV)/ready $(SAM)/ready $(CHECKOV)/ready ## formatting, lint, strict types, spelling, workflows, templates
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/mypy
	$(DEV)/bin/cfn-lint
	$(DEV)/bin/cfn-lint --regions us-gov-east-1 us-gov-west-1 -- template.yaml examples/vpc/network.yaml
	$(DEV)/bin/codespell
	$(DEV)/bin/zizmor --offline --persona=pedantic --quiet .github
	$(DEV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(DEV)/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(SAM)/bin/sam validate --lint --region us-east-1
	$(DEV)/bin/python -m tools.scan

.PHONY: format
format: $(DEV)/ready ## mend formatting and what ruff can mend by itself
	$(DEV)/bin/ruff format .
	$(DEV)/bin/ruff check --fix .

UPGRADE := --upgrade
COMPILE := $(DEV)/bin/uv pip compile -q $(UPGRADE) --generate-hashes --no-annotate --no-header
# hatchling and pip, with which a wheel is built, are pinned as everything is.
WHEEL := $(DEV)/bin/uv build --quiet --wheel --out-dir dist --build-constraints requirements/build.txt --require-hashes

.PHONY: lock
lock: $(DEV)/ready ## pin everything anew after a change in pyproject.toml
	$(COMPILE) --universal --python-version 3.11 pyproject.toml --group dev -o requirements/dev.txt
	$(COMPILE) --universal --python-version 3.11 pyproject.toml --group mutation -o requirements/mutation.txt
	for group in bench build checkov ministack sam terraform; do \
	  $(COMPILE) --universal --python-version 3.11 --group pyproject.toml:$$group -o requirements/$$group.txt || exit; done
	$(COMPILE) --python-version 3.13 pyproject.toml -o src/requirements.txt

.PHONY: dist
dist: $(DEV)/ready $(SAM)/ready ## what a release is made of, with checksums, in dist/
	@$(DEV)/bin/python -m tools.release dist
	@$(WHEEL) cdk
	@$(WHEEL) cli
	@$(DEV)/bin/python -m tools.release checksums
	@cat dist/SHA256SUMS

.PHONY: release-check
release-check: $(DEV)/ready ## say what speaks against releasing the tag TAG from the GitHub repository REPOSITORY
	@$(DEV)/bin/python -m tools.release check "$(TAG)" "$(REPOSITORY)"

.PHONY: package
package: dist ## upload dist/ to BUCKET (sam's own by default), and write dist/packaged.yaml
	@$(SAM)/bin/sam package --template-file dist/template.yaml --output-template-file dist/packaged.yaml \
	  --s3-prefix cloudhsm-cluster-settings $(if $(BUCKET),--s3-bucket $(BUCKET),--resolve-s3)

.PHONY: publish
publish: package ## publish to the Serverless Application Repository of your account
	@$(SAM)/bin/sam publish --template dist/packaged.yaml --fail-on-same-version

.PHONY: clean
clean: ## remove everything that the other targets made
	rm -rf $(DEV) $(BENCH) $(CHECKOV) $(MINISTACK) $(MUTATION) mutants $(SAM) $(TERRAFORM) $(CDK) $(TYPESCRIPT) .aws-sam .cache .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -rf cdk/cloudhsm_settings_cdk/functions dist

# Whoever has no Python 3.11 is told; the rest is Python's.
PYTHON_HERE = $(if $(wildcard $(DEV)/bin/uv),$(DEV)/bin/python,"$(PYTHON)")
define install
@$(PYTHON_HERE) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
  echo "Python 3.11 or newer is needed, and $(PYTHON) is none. Name one: make PYTHON=python3.12 ..." >&2; exit 1; }
@$(PYTHON_HERE) -m tools.install $@ $<
endef

# The environments pin different versions of botocore and cannot be one.
$(DEV)/ready: requirements/dev.txt
	$(install)
$(MINISTACK)/ready: requirements/ministack.txt | $(DEV)/ready
	$(install)
$(MUTATION)/ready: requirements/mutation.txt | $(DEV)/ready
	$(install)
$(SAM)/ready: requirements/sam.txt | $(DEV)/ready
	$(install)
$(BENCH)/ready: requirements/bench.txt | $(DEV)/ready
	$(install)
$(CHECKOV)/ready: requirements/checkov.txt | $(DEV)/ready
	$(install)
$(TERRAFORM)/ready: requirements/terraform.txt | $(DEV)/ready
	$(install)
$(CDK)/ready: cdk/package-lock.json | $(DEV)/ready
	$(install)
$(TYPESCRIPT)/ready: examples/cdk-typescript/package-lock.json | $(DEV)/ready
	$(install)
