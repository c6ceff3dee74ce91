# One word each; CI calls the same ones. Everything happens in .venv, which is made once and reused.
.PHONY: demo test coverage lint verify docs bench clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
DEMO_STAMP := .venv/.installed-for-the-demo

# make demo ALL=1 grades every assignment of the unit; without it, those that pawgrade.toml names.
demo: $(DEMO_STAMP)
	scripts/need-packages sandbox
	$(BIN)/pawgrade demo $(if $(ALL),--all)

# Two tests or notebooks at a time on two cores: threads of torch that spin while they wait would take the other one's time.
test verify: export OMP_WAIT_POLICY = PASSIVE
test verify: export MALLOC_TRIM_THRESHOLD_ = 2147483648
test verify: export MALLOC_MMAP_THRESHOLD_ = 1073741824
test: $(STAMP)
	scripts/need-packages
	$(BIN)/pytest --numprocesses 2 --dist worksteal $(ARGS)

# Counting lines takes its time, too.
coverage:
	$(MAKE) test ARGS="--cov --cov-report=term $(ARGS)"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A gate must not hang on luck: the hidden crops, noise and classes are the same each time.
verify: export PAWGRADE_SECRET = 0ad3050e71e89dadeaec4562aec7e59b
verify: $(STAMP)
	$(BIN)/pawgrade verify --data toy_pets $(ARGS)

docs: $(STAMP)
	$(BIN)/python docs/make_pictures.py

bench: $(STAMP)
	$(BIN)/python benchmarks/weak_variants.py
	$(BIN)/python -m benchmarks.kernel_speed
	$(BIN)/python -m benchmarks.kernel_memory

clean:
	rm -rf .venv pawgrade-demo build dist

# pip shows what it gets: six GB with torch's libraries for GPUs, minutes of unpacking.
define install
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --constraint constraints.txt --editable '.[$(1)]'
endef

$(DEMO_STAMP): pyproject.toml constraints.txt
	$(call install,grading)
	touch $(DEMO_STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(call install,dev)
	touch $(DEMO_STAMP) $(STAMP)
