# Every command a developer needs. `make` lists them.

SWIFT_FLAGS := --explicit-target-dependency-import-check error
SWIFT_DIRS  := Package.swift Sources Tests
TSAN_TESTS  := IntegrationTests.CachePropertyTests|DoorbellAssessTests.LogAssessorTests|DoorbellCoreTests|DoorbellWireTests|DoorbellHubTests|DoorbellServerTests|DoorbellShimTests|DoorbellCaptureTests
BUILD_PACKAGES := libpq-dev libssl-dev zlib1g-dev pkg-config
RUN_PACKAGES   := postgresql postgresql-contrib python3-flask python3-psycopg
TEST_PACKAGES  := chromium curl pgbouncer openssl python3-venv nginx haproxy caddy prometheus
CLIENT_PACKAGES := terser node-commander node-typescript node-react node-react-dom python3-websockets
PEER_PACKAGES  := libnginx-mod-nchan node-ws goaccess
PACKAGES := $(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES) $(CLIENT_PACKAGES)

export SWIFT_BACKTRACE ?= enable=no

.PHONY: help setup peers build release demo migrate-demo simulate origin test test-swift test-js test-python test-chaos test-demo test-adapters test-prometheus test-dashboard property man tsan bench autobahn fuzz lint format clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-13s %s\n", $$1, $$2 }'

define install
	@missing=""; for p in $(1); do dpkg -s $$p 2>/dev/null | grep -q '^Status: install ok' || missing="$$missing $$p"; done; \
	command -v node >/dev/null || missing="$$missing nodejs"; \
	if [ -z "$$missing" ]; then echo "$@: everything is installed"; else \
	sudo=""; [ "$$(id -u)" = 0 ] || sudo=sudo; echo "$@: installing$$missing"; \
	$$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing; fi
endef

setup: ## Install what is missing (Debian packages; as root or through sudo). Some start a service; no test needs or touches it
	$(call install,$(PACKAGES))
	@command -v swift >/dev/null || { echo "setup: no Swift toolchain; see https://www.swift.org/install/linux/"; exit 1; }

peers: ## Install the servers that `make bench` compares with (a package may start nginx)
	$(call install,$(PEER_PACKAGES))

build: ## Debug build of everything, tests too; imports are checked against Package.swift
	swift build --build-tests $(SWIFT_FLAGS)

man: release ## The manual page, doorbell.1, as the command prints it
	"$$(swift build -c release --show-bin-path)/doorbell" man > doorbell.1

release: ## Release build of the doorbell command
	swift build -c release --product doorbell

demo: setup release ## Start PostgreSQL, an example application and Doorbell in front of it; Ctrl-C ends all
	/usr/bin/python3 examples/demo.py --doorbell "$$(swift build -c release --show-bin-path)/doorbell"

migrate-demo: setup release ## The example, moved from polling to push feature by feature, by itself
	/usr/bin/python3 examples/migrate.py --doorbell "$$(swift build -c release --show-bin-path)/doorbell" $(ARGS)

simulate: setup release ## Polling against push with 5,000 clients, on this machine
	"$$(swift build -c release --show-bin-path)/doorbell" simulate $(ARGS)

origin: setup release ## How many polls still reach the legacy API with a cache: 1,000 clients, for real
	/usr/bin/python3 examples/origin.py --doorbell "$$(swift build -c release --show-bin-path)/doorbell" $(ARGS)

test: setup lint build test-swift test-js test-python test-chaos test-demo test-adapters test-prometheus test-dashboard ## Every test; installs what is missing first

test-swift: build ## The Swift tests, one after the other, on a PostgreSQL of their own
	swift test --skip-build --no-parallel $(if $(FILTER),--filter '$(FILTER)')

test-js: ## The tests of the browser adapter, on its sources and on what is served
	cd adapters/browser && node --test test/*.test.js && DOORBELL_CLIENT=served/client.js node --test test/*.test.js

test-python: ## The tests of the Python client
	cd adapters/python && PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=.:tests /usr/bin/python3 -m unittest discover -q -s tests

test-chaos: build ## The browser adapter in Chromium, behind a proxy that misbehaves
	/usr/bin/python3 adapters/browser/test/chaos.py --doorbell "$$(swift build --show-bin-path)/doorbell" $(ARGS)

test-demo: build ## The demo from end to end, in Chromium
	/usr/bin/python3 examples/demo.py --check --doorbell "$$(swift build --show-bin-path)/doorbell"

test-adapters: build ## The configurations for nginx, HAProxy and Caddy, with the real programs
	/usr/bin/python3 adapters/check.py --doorbell "$$(swift build --show-bin-path)/doorbell"

test-prometheus: build ## The metrics, the alerts and the Grafana dashboard, with a real Prometheus
	/usr/bin/python3 adapters/check_prometheus.py --doorbell "$$(swift build --show-bin-path)/doorbell"

test-dashboard: build ## The dashboard in Chromium, with a real service and with 100 features
	node --test Tests/Dashboard/
	/usr/bin/python3 Tests/Dashboard/run.py --doorbell "$$(swift build --show-bin-path)/doorbell" $(ARGS)

property: build ## The property tests of capture, of the whole service and of the cache, for SECONDS=300 each
	DOORBELL_PROPERTY_SECONDS=$(or $(SECONDS),300) swift test --skip-build --no-parallel --filter Property

tsan: ## Tests under ThreadSanitizer
	swift build --build-tests --sanitize=thread --scratch-path .build-tsan
	TSAN_OPTIONS=halt_on_error=1 swift test --skip-build --no-parallel --sanitize=thread --scratch-path .build-tsan \
		--filter '$(TSAN_TESTS)'

bench: setup ## Writes, latency, drain rate and fan-out, as ratios in one run
	for product in doorbell-bench FanOutLoad FanOutReference; do swift build -c release --product $$product || exit 1; done
	"$$(swift build -c release --show-bin-path)/doorbell-bench" $(ARGS)

autobahn: setup ## The Autobahn test suite (from PyPI) against our WebSocket code
	swift build --product DoorbellEcho $(SWIFT_FLAGS)
	/usr/bin/python3 Tests/Autobahn/run.py --echo "$$(swift build --show-bin-path)/DoorbellEcho" $(ARGS)

fuzz: build ## Fuzz what reads untrusted bytes, for SECONDS=60 each
	Tests/Fuzz/run.sh $(or $(SECONDS),60)

lint: ## Formatting, without changing anything
	swift format lint --strict --parallel -r $(SWIFT_DIRS)

format: ## Format in place
	swift format --in-place --parallel -r $(SWIFT_DIRS)

clean: ## Remove build folders
	rm -rf .build .build-tsan
