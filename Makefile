PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

ifeq ($(shell id -u),0)
SUDO :=
PREFIX ?= /usr/local
else
SUDO := sudo
PREFIX ?= $(HOME)/.local
endif

# program:package pairs that apt installs when the program is missing
TOOLS := git:git fusermount3:fuse3 pkg-config:pkg-config gcc:gcc getfattr:attr tmux:tmux man:man-db zsh:zsh fish:fish
PACKAGES := libfuse3-dev python3-dev python3-venv bash-completion

# software that the slow tests run in sessions
SLOW_TOOLS := cmake:cmake ninja:ninja-build node:nodejs npm:npm rg:ripgrep vim:vim emacs:emacs-nox sqlite3:sqlite3 \
    rsync:rsync patch:patch zip:zip unzip:unzip perl:perl
SLOW_PACKAGES := zlib1g-dev

LIB := $(PREFIX)/lib/git-vibe

.PHONY: demo install uninstall test test-slow lint bench bench-compare man clean

demo: $(VENV)/ready  ## show what git-vibe does, on a real repository
	PATH="$(CURDIR)/$(BIN):$$PATH" bash bench/demo.sh

test: $(VENV)/ready  ## prove it
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -m "not slow"

test-slow: $(VENV)/ready $(VENV)/slow-system
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# make bench ARGS="--full", ARGS="--repo small 'git status' promote", ARGS=--help
ARGS ?=
bench: $(VENV)/ready  ## measure sessions beside native work trees
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench $(ARGS)

# compare two commits with the bench of this one: make bench-compare BASE=v0.1.0 ARGS="--repo real tar"
BASE ?= HEAD~1
bench-compare: $(VENV)/ready
	rm -rf .bench/base && git worktree prune && git worktree add --quiet --detach .bench/base $(BASE)
	$(MAKE) -C .bench/base .venv/ready
	PATH="$(CURDIR)/.bench/base/$(BIN):$$PATH" $(BIN)/python -m bench --leave --json .bench/before.json $(ARGS)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench --json .bench/after.json $(ARGS)
	git worktree remove --force .bench/base
	$(BIN)/python -m bench.compare .bench/before.json .bench/after.json

man: $(VENV)/ready  ## write the man pages anew
	$(BIN)/python man/generate.py

$(VENV)/ready: pyproject.toml $(VENV)/system
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

# apt is asked only for what is missing; without root, sudo or apt the build goes on and says what it lacks itself.
$(VENV)/slow-system: TOOLS := $(SLOW_TOOLS)
$(VENV)/slow-system: PACKAGES := $(SLOW_PACKAGES)
$(VENV)/system $(VENV)/slow-system:
	@mkdir -p $(VENV)
	@missing=; \
	for pair in $(TOOLS); do command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair#*:}"; done; \
	if command -v dpkg-query >/dev/null; then \
	    for package in $(PACKAGES); do dpkg-query -W -f '$${Status}' "$$package" 2>/dev/null | grep -q ' installed' || missing="$$missing $$package"; done; \
	fi; \
	if [ -n "$$missing" ] && command -v apt-get >/dev/null; then \
	    if [ -n "$(SUDO)" ] && ! command -v $(SUDO) >/dev/null; then echo "warning: please install:$$missing" >&2; \
	    else \
	        $(SUDO) env DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends$$missing"; \
	    fi; \
	elif [ -n "$$missing" ]; then echo "warning: please install:$$missing" >&2; fi
	@touch $@

install: $(VENV)/system  ## install below PREFIX (/usr/local for root, else ~/.local)
	test -x "$(LIB)/bin/python" || $(PYTHON) -m venv "$(LIB)"
	"$(LIB)/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade .
	mkdir -p "$(PREFIX)/bin"
	ln -sfn "$(LIB)/bin/git-vibe" "$(PREFIX)/bin/git-vibe"
	cd "$(LIB)/share" && find . -name '*git-vibe*' -type f | while read -r file; do \
	    mkdir -p "$(PREFIX)/share/$$(dirname "$$file")" && ln -sfn "$(LIB)/share/$$file" "$(PREFIX)/share/$$file"; \
	done

uninstall:
	-find "$(PREFIX)/bin" "$(PREFIX)/share" -lname '$(LIB)/*' -delete
	rm -rf "$(LIB)"

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
