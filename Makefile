# Two commands are enough for a newcomer: `make demo` and `make test`.
# Everything that a fresh Debian or Ubuntu machine lacks is installed by `make setup`, which the
# others call and which does nothing when all is there.

PY := .venv/bin/python

.PHONY: help words setup setup-tests demo test suite check format campaign corpus mutate attacks fuzz bench bench-peers bench-freecad lock clean

help:            ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup:           ## install what is missing: slicer, sandbox, .venv, OctoPrint's own .venv
	@sh scripts/setup.sh run

setup-tests:     ## the same and what only the tests need: browser, PostgreSQL, Moonraker
	@sh scripts/setup.sh test

demo: setup      ## publish, order, slice, stream, see it in the city; ONCE=1 stops at the end
	@$(PY) -m cosmo demo $(if $(ONCE),--once,)

test: setup-tests  ## style, types and every test
	@$(MAKE) -j 2 --no-print-directory check suite

suite:           # more of them than cores, and types beside: much of a test is waiting
	@$(PY) -m pytest -q -n 3 --dist worksteal

check:           ## style and types alone
	@.venv/bin/ruff check . && .venv/bin/ruff format --check -q . && .venv/bin/mypy

format:          ## put the source in the house's form
	@.venv/bin/ruff check --fix . && .venv/bin/ruff format .

bench-peers: setup  ## the senders that bench/streaming.py compares with, into var/peers
	@sh scripts/bench_peers.sh

bench-freecad: setup  ## FreeCAD for bench/cam.py, into var/peers: 1.2 GB, from Debian's packages
	@sh scripts/bench_freecad.sh

campaign: setup  ## 1,000 seeded fault schedules, resumable; SEED=123 plays one again
	@$(PY) -m tests.campaign $(if $(SEED),--seed $(SEED) --verbose,)

corpus: setup    ## 200 real programs are made and proved, every hostile one is refused
	@$(PY) -m tests.corpus

mutate: setup    ## thousands of spoilt files of every kind are read, refused or survived; FAMILY=step
	@$(PY) -m tests.mutation $(if $(FAMILY),--family $(FAMILY)) $(if $(COUNT),--count $(COUNT)) \
	    $(if $(SEED),--seed $(SEED))
	@$(PY) -m tests.mutation.attacks

attacks: setup   ## what was made to harm is sent to a server that runs, which answers on; ONLY=bomb
	@$(PY) -m bench.attacks $(if $(ONLY),--only '$(ONLY)')

fuzz: setup      ## what is read of strangers is hunted for holes, with atheris; TARGET=stl SECONDS=60
	@sh scripts/fuzzer.sh
	@$(PY) -m tests.fuzzing $(if $(TARGET),--target $(TARGET)) $(if $(SECONDS),--seconds $(SECONDS)) \
	    $(if $(SEED),--seed $(SEED))

bench: setup     ## every measurement against its peer; the last line of each is JSON
	@sh scripts/bench_peers.sh || echo "bench: not all peers are there"
	@for name in bench/[a-z]*.py; do \
	    echo "== $$name"; $(PY) -m bench.$$(basename $$name .py) || exit 1; done

lock:            ## write the lock files anew (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url --extra dev -o requirements.lock pyproject.toml
	@printf 'OctoPrint==1.11.8\nsetuptools<81\n' | uv pip compile -q --universal --python-version 3.11 \
	    --generate-hashes --no-header --no-emit-index-url -o requirements-octoprint.lock -
	@printf 'moonraker==0.11.0\n' | uv pip compile -q --universal --python-version 3.11 \
	    --generate-hashes --no-header --no-emit-index-url -o requirements-moonraker.lock -

words:           ## gather the pages' texts and bring every language's catalogue up to date
	@.venv/bin/pybabel -q extract -F babel.cfg -k Word -k later -k filled -k allow:2 -k ask:2 -k deny:2 -k unless_a_business:2 -k unless_a_cooperative:2 --no-location --sort-output --omit-header -o repo_server/web/locale/messages.pot repo_server commons
	@.venv/bin/pybabel -q update -i repo_server/web/locale/messages.pot -d repo_server/web/locale --no-fuzzy-matching --omit-header --ignore-obsolete

clean:           ## remove what was built and what the demo left; keep every .venv
	@rm -rf var dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
