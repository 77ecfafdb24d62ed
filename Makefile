# What one does with Carillon's source. `make` alone lists it.
# PROFILE chooses how the demo is built: dev (quickest build), demo (a little optimised), release (slow to build, fast to run).
PROFILE ?= dev
CARGO ?= cargo
# How often `make bench-compare` measures each row with both programs, and which rows (send callbacks ingest inbound latency): all.
PAIRS ?= 6
ROWS ?=

.DEFAULT_GOAL := help
.PHONY: help demo build release test bench bench-compare bench-full bench-pages opt-out-figures lint format advisories docs screenshots image

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name about; do printf 'make %-12s %s\n' "$$name" "$$about"; done

demo: ## install what is missing, build, and show everything at http://127.0.0.1:8080
	@scripts/install-prerequisites demo
	@$(CARGO) run --locked --profile $(PROFILE) --bin carillon -- demo

build: ## build the program for development
	@scripts/install-prerequisites build
	$(CARGO) build --locked --bin carillon

release: ## build the optimised program: target/release/carillon
	@scripts/install-prerequisites build
	$(CARGO) build --locked --release --bin carillon

test: ## install what the tests need, and run them all, browser and doc tests included
	@scripts/install-prerequisites test
	@scripts/test

bench: ## measure speed, memory and idle cost on this machine: a table, and a file in docs/benchmarks (some minutes)
	@scripts/install-prerequisites bench
	$(CARGO) bench --locked --bench throughput -- --save docs/benchmarks

bench-compare: ## this source beside another commit, measured in turns: make bench-compare BASE=<commit> [PAIRS=6] [ROWS=...] (builds, then 5 minutes)
	@scripts/install-prerequisites bench
	@CARGO="$(CARGO)" scripts/bench-compare "$(BASE)" --pairs $(PAIRS) $(ROWS)

bench-full: ## the same with 1 M contacts and 10 M messages already there (needs 30 GB and half an hour; they are kept in /var/tmp/carillon-bench-full)
	@scripts/install-prerequisites bench
	$(CARGO) bench --locked --bench throughput -- send callbacks --latency 0 --history 10000000 --directory /var/tmp/carillon-bench-full --save docs/benchmarks

bench-pages: ## how long every page takes with 1 M contacts and 10 M messages (needs 40 GB and half an hour the first time; kept in /var/tmp/carillon-pages)
	@scripts/install-prerequisites bench
	$(CARGO) bench --locked --bench pages -- --save docs/benchmarks

opt-out-figures: ## how many opt-outs are found in labelled replies, and how many others are taken for one, by language
	@scripts/install-prerequisites build
	$(CARGO) test --locked --lib opt_out::corpus -- --nocapture --test-threads 1

lint: ## formatting, clippy, rustdoc, licences and shell scripts, every warning an error
	@scripts/install-prerequisites lint
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items
	$(CARGO) deny --workspace --log-level error check licenses bans sources
	shellcheck $$(grep -l '^#!.*sh$$' scripts/* .ci/run)

format: ## format the source
	$(CARGO) fmt --all

advisories: ## ask the RustSec database about the dependencies (needs the internet)
	@scripts/install-prerequisites lint
	$(CARGO) deny --workspace check advisories

docs: ## write docs/configuration.md anew from the code
	CARILLON_TEST_WRITE_DOCS=1 $(CARGO) test --locked --lib config::

screenshots: ## take the README's pictures anew, from the demo: docs/screenshots
	@scripts/install-prerequisites test
	@scripts/take-screenshots

image: ## build the Docker image carillon
	docker build --tag carillon .
