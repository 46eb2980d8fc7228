# Copyright (c) the linux_tcp.tuning authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Names only: what they do is in dev/.

CORES ?= core-2.19
# INVENTORY and ARGS need no line here: variables of make's command line are in the environment of what it runs.
.PHONY: help run test test-all lint format docs-check unit sanity system integration molecule bench bench-lint oracle differential prove test-kernels build clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\): ## \(.*\)/\1|\2/p' Makefile | awk -F '|' '{ printf "make %-12s %s\n", $$1, $$2 }'

run: ## demonstration on a throwaway host; INVENTORY=path [ARGS="--check --diff"] tunes your own hosts
	@dev/run

test: ## everything: lint, docs-check, unit, sanity, system, integration, molecule
	@dev/test

test-all: ## the same on every supported ansible-core and distribution
	@dev/test --all

lint: ## ruff, mypy, shellcheck, yamllint, ansible-lint, changelog fragments, licences
	@dev/lint

format: ## let ruff format the Python files
	@dev/venv checks
	@.work/venv/checks/bin/ruff format --no-cache

docs-check: ## ansible-doc renders every plugin and role; paths in the documents exist
	@dev/docs-check

unit: ## tests of the engine
	@dev/unit

sanity: ## ansible-test sanity
	@for core in $(CORES); do dev/sanity $$core || exit; done

system: ## the scripts for hosts against real kernels and loaders; no ansible in between
	@dev/system

integration: ## ansible on throwaway hosts; CORES="core-2.16 core-2.19 core-2.21"
	@for core in $(CORES); do dev/integration $$core || exit; done

molecule: ## scenarios in containers; SCENARIOS="default rollback"
	@dev/molecule $(SCENARIOS)

bench: ## how long things take, compared with ansible.builtin.ping and ansible.posix.sysctl; the census with ss
	@dev/bench
	@dev/bench-census

bench-lint: ## how long the lint takes, compared with ansible-lint and ansible-inventory; some twenty minutes
	@dev/bench-lint

oracle: ## record anew what ansible-playbook makes of generated content; the lint is tested against it
	@dev/oracle

differential: ## ten thousand trees of sysctl files through the real loaders of four releases; a quarter of an hour
	@dev/differential

prove: ## what TCP timestamps do to clients behind one address, tried; some ten minutes
	@dev/prove --plot .work/prove.png

test-kernels: ## what only old kernels show, on those in KERNELS=dir, booted with qemu; a minute each
	@dev/test-kernels "$(KERNELS)"

build: ## the tarball and the wheel, in .work/dist
	@dev/collection build

clean: ## remove everything that these targets made
	rm -rf .work .ansible tests/output
