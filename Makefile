# The checks that a change must pass, one target each; `.ci/run` runs the same ones.
.PHONY: help setup serve lint types test check bench

help:           ## List the targets
	@sed -n 's/^\([a-z]*\):.*##/\1\t/p' $(MAKEFILE_LIST)

setup:          ## Install LVS in place, with what its tests need
	python3 -m pip install -e '.[test]'

serve:          ## Serve ~/Videos and reload when code or a template changes
	lvs serve --dev ~/Videos

lint:           ## Formatting, lint and spelling
	ruff format --check
	ruff check
	codespell

types:          ## Static types of the package and its tests
	mypy

test:           ## Every test, in parallel, with the share of lines that ran
	python3 -m pytest -n auto --cov

check: lint types test  ## Everything above

bench:          ## The benchmarks that need nothing but a quiet machine
	python3 benchmarks/pages.py
	python3 benchmarks/ratings.py
	python3 benchmarks/streaming.py
	python3 benchmarks/start.py
	python3 benchmarks/memory.py
	python3 benchmarks/scan.py
