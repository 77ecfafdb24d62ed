# The tasks of development. `make` without a target lists them.
# PROFILE is the build profile of the demo: dev (quickest build), demo (slightly optimised), release (slow to build, fast to run).
PROFILE ?= dev
CARGO ?= cargo
# For `make bench-compare`: the number of measurements of each row with both programs, and the rows (send callbacks ingest inbound latency;
# all by default).
PAIRS ?= 6
ROWS ?=

.DEFAULT_GOAL := help
.PHONY: help demo build release test bench bench-compare bench-full bench-pages opt-out-figures lint format advisories docs screenshots image

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name about; do printf 'make %-12s %s\n' "$$name" "$$about"; done

demo: ## install missing packages, build, and serve the demo at http://127.0.0.1:8080
	@scripts/install-prerequisites demo
	@$(CARGO) run --locked --profile $(PROFILE) --bin carillon -- demo

build: ## build the program for development
	@scripts/install-prerequisites build
	$(CARGO) build --locked --bin carillon

release: ## build the optimised program: target/release/carillon
	@scripts/install-prerequisites build
	$(CARGO) build --locked --release --bin carillon

test: ## install missing packages and run all tests, including browser and doc tests
	@scripts/install-prerequisites test
	@scripts/test

bench: ## measure speed, memory and idle cost on this machine; prints a table and writes a file in docs/benchmarks (several minutes)
	@scripts/install-prerequisites bench
	$(CARGO) bench --locked --bench throughput -- --save docs/benchmarks

bench-compare: ## compare this source with another commit, measured alternately: make bench-compare BASE=<commit> [PAIRS=6] [ROWS=...] (builds, then 5 minutes)
	@scripts/install-prerequisites bench
	@CARGO="$(CARGO)" scripts/bench-compare "$(BASE)" --pairs $(PAIRS) $(ROWS)

bench-full: ## like bench, with 1 M contacts and 10 M messages in the database (needs 30 GB and half an hour; reuses /var/tmp/carillon-bench-full)
	@scripts/install-prerequisites bench
	$(CARGO) bench --locked --bench throughput -- send callbacks --latency 0 --history 10000000 --directory /var/tmp/carillon-bench-full --save docs/benchmarks

bench-pages: ## measure every page with 1 M contacts and 10 M messages (needs 40 GB and half an hour the first time; reuses /var/tmp/carillon-pages)
	@scripts/install-prerequisites bench
	$(CARGO) bench --locked --bench pages -- --save docs/benchmarks

opt-out-figures: ## measure recall and false positives of the opt-out rules on labelled replies, by language
	@scripts/install-prerequisites build
	$(CARGO) test --locked --lib opt_out::corpus_tests -- --nocapture --test-threads 1

lint: ## check formatting, clippy, rustdoc, licences and shell scripts; every warning is an error
	@scripts/install-prerequisites lint
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items
	$(CARGO) deny --workspace --log-level error check licenses bans sources
	shellcheck $$(grep -l '^#!.*sh$$' scripts/* .ci/run)

format: ## format the source
	$(CARGO) fmt --all

advisories: ## check the dependencies against the RustSec database (needs internet access)
	@scripts/install-prerequisites lint
	$(CARGO) deny --workspace check advisories

docs: ## regenerate docs/configuration.md and docs/texts.md from the source
	CARILLON_TEST_WRITE_DOCS=1 $(CARGO) test --locked --lib config::
	CARILLON_TEST_WRITE_DOCS=1 $(CARGO) test --locked --test it texts::document

screenshots: ## regenerate the README's screenshots from the demo: docs/screenshots
	@scripts/install-prerequisites test
	@scripts/take-screenshots

image: ## build the Docker image carillon
	docker build --tag carillon .
