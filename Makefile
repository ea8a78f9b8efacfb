# FGD Sync. `make demo` and `make test` need Go, Git and make; the rest is fetched, pinned, as it is needed.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

TOOLS := $(CURDIR)/.cache/bin
PLUGIN := integrations/netbox-fgd-sync
PLUGIN_LINTERS := $(CURDIR)/.cache/lint-plugin
GOLANGCI_LINT_VERSION := v2.15.0
GOFUMPT_VERSION := v0.12.0
BUF_VERSION := 1.75.0
GITEA_VERSION := v1.26.1
PROTOVALIDATE_VERSION := v1.2.2
AXE_VERSION := 4.14.1
KUBERNETES_VERSION := v1.37.2
BUF ?= $(shell command -v buf || echo npx --yes @bufbuild/buf@$(BUF_VERSION))

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
RACE ?=
# All of it is compiled one way, and so once: static, but for the race detector, which needs cgo.
export CGO_ENABLED := $(if $(filter-out 0,$(RACE)),1,0)
BUILD := go build -ldflags '-s -w -X fgdsync.dev/libs/app.Version=$(VERSION)'
MODULES = $(shell go list -m -f '{{.Dir}}')
# What `make generate` writes.
GENERATED := proto/gen libs/hedgehog

DEMO_FLAGS ?=
PACKAGES ?= work
TEST_FLAGS ?= -count=1 -timeout 20m -parallel 6
SOAK_TIME ?= 5m
BENCH ?= .
BENCH_TIME ?= 10x
FUZZTIME ?= 30s

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 20

.PHONY: demo
demo: fgd ## build fgd and run the demonstration; DEMO_FLAGS=--exit ends it by itself
	bin/fgd demo $(DEMO_FLAGS)

.PHONY: demo-recording
demo-recording: fgd ## draw docs/demo.svg anew from what the demonstration prints; needs python3
	scripts/demo-recording bin/fgd docs/demo.svg

.PHONY: fgd
fgd: ## build bin/fgd, the whole system in one program
	$(BUILD) -o bin/fgd ./cmd/fgd

.PHONY: build
build: fgd ## build bin/fgd and the five services
	$(BUILD) -o bin/ ./services/*/cmd/*

.PHONY: test
test: test-deps ## run all tests of all modules; RACE=1 adds the race detector, PACKAGES='…' chooses
	go test $(TEST_FLAGS) $(if $(filter-out 0,$(RACE)),-race) $(PACKAGES)

.PHONY: test-deps
test-deps: ## install what the tests need besides Go: redis-server, python3-yaml, git, ssh-keygen, gpg, curl
	@scripts/install-packages redis-server python3-yaml git openssh-client gnupg curl

# The tests of the files that the tag `kills` is on; CI leaves some of them out.
KILLS = ^($(shell grep -l '^//go:build kills$$' test/e2e/*_test.go | xargs sed -nE 's/^func (Test[A-Za-z0-9]+).*/\1/p' | paste -sd '|'))$$

.PHONY: test-kills
test-kills: test-deps ## kill and stop the programs at every point where that could matter; RACE=1 adds the race detector
	go test $(TEST_FLAGS) $(if $(filter-out 0,$(RACE)),-race) -tags kills -run '$(KILLS)' fgdsync.dev/test/e2e

.PHONY: mutate
mutate: test-deps ## take guards out of the code one at a time, and see that a test fails without each
	scripts/mutate

.PHONY: lint-guards
lint-guards: ## are the guards written as test/mutate/guards.toml has them? needs python3
	@scripts/mutate --check

.PHONY: soak
soak: test-deps ## let one thing fail after the other for SOAK_TIME while people work, and audit what became of it all
	go test -count=1 -v -timeout 0 fgdsync.dev/test/soak -args -length $(SOAK_TIME)

.PHONY: drill
drill: test-deps ## cause every alert for real, and print how many seconds each takes to fire and to end; DRILL_FLAGS="-only 'NetBox'" causes some
	@scripts/install-packages prometheus
	go test -count=1 -v -timeout 20m -run TestDrill$$ fgdsync.dev/test/drill -args -drill $(DRILL_FLAGS)

.PHONY: story
story: test-deps ## a night on call: what goes wrong at random is mended by its runbook; STORY_FLAGS='-seed N' picks the same again
	@scripts/install-packages prometheus
	go test -count=1 -v -timeout 20m -run TestStory$$ fgdsync.dev/test/drill -args -drill $(STORY_FLAGS)

.PHONY: test-gitea
test-gitea: $(TOOLS)/gitea-$(GITEA_VERSION) test-deps ## build a Gitea, once, and try the whole system on it
	go test -count=1 fgdsync.dev/test/gitea -args -gitea $<

# A NetBox, and what it runs on. NETBOX_KEPT is the folder of what takes minutes to make.
NETBOX_KEPT ?= $(CURDIR)/.cache/netbox

.PHONY: netbox-deps
netbox-deps: test-deps
	@scripts/install-packages postgresql chromium

.PHONY: netbox-lab
netbox-lab: netbox-deps ## run a NetBox until Ctrl-C, and say where it is; needs Python 3.12 or newer
	@go run ./test/netbox/netboxlab -kept $(NETBOX_KEPT)

.PHONY: netbox-kept
netbox-kept: netbox-deps ## make what every run of a NetBox needs, once; takes minutes, and one core
	@go run ./test/netbox/netboxlab -prepare -kept $(NETBOX_KEPT)

.PHONY: test-netbox
test-netbox: netbox-deps $(TOOLS)/axe-$(AXE_VERSION).js ## run the tests that need the real NetBox; LONG=1 runs all of them
	go test $(TEST_FLAGS) -parallel 2 -timeout 30m fgdsync.dev/test/netbox -args -netbox $(NETBOX_KEPT) \
		-axe $(TOOLS)/axe-$(AXE_VERSION).js $(if $(filter-out 0,$(LONG)),-long)

.PHONY: test-console
test-console: test-deps $(TOOLS)/axe-$(AXE_VERSION).js ## look at the console in Chromium; CONSOLE_FLAGS=-update makes the pictures of the docs
	@scripts/install-packages chromium
	go test $(TEST_FLAGS) -timeout 20m -parallel 2 fgdsync.dev/test/console -args -axe $(TOOLS)/axe-$(AXE_VERSION).js $(CONSOLE_FLAGS)

# What says whether a page can be used by those who do not see it, or have no mouse.
$(TOOLS)/axe-$(AXE_VERSION).js:
	@scripts/install-packages npm
	@mkdir -p $(TOOLS) && work=$$(mktemp -d) && npm pack --silent --pack-destination $$work axe-core@$(AXE_VERSION) >$$work/name && \
		tar -xOf $$work/axe-core-$(AXE_VERSION).tgz package/axe.min.js >$@.part && mv $@.part $@ && rm -r $$work

.PHONY: bench
bench: test-deps ## measure from outside, then ingestion and orchestration alone; docs/benchmarks.md says what the figures mean
	go test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCH_TIME) -timeout 30m fgdsync.dev/test/bench
	go test -run '^$$' -bench '$(BENCH)' -benchmem fgdsync.dev/services/ingestion/internal/pipeline
	go test -run '^$$' -bench '$(BENCH)' -benchmem fgdsync.dev/services/bridge/internal/access fgdsync.dev/services/bridge/internal/audit \
		fgdsync.dev/services/bridge/internal/outbox fgdsync.dev/services/bridge/internal/console
	go test -run '^$$' -bench '$(BENCH)' -benchtime 200x fgdsync.dev/services/orchestrator
	go test -run '^$$' -bench '$(BENCH)' -benchtime 1x fgdsync.dev/services/orchestrator/internal/state

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME
	@scripts/fuzz $(FUZZTIME)

.PHONY: generate
generate: protos ## generate Go, gateway and OpenAPI from proto/, and the CRDs from libs/hedgehog
	$(BUF) generate --path proto/fgd
	$(BUF) generate --template buf.gen.bridge.yaml --path proto/fgd/bridge
	cd libs && go generate ./...

.PHONY: protos
protos:
	@scripts/fetch-protos $(PROTOVALIDATE_VERSION)

.PHONY: generate-check
generate-check: generate ## fail when the committed generated files are not what `make generate` makes
	@changed=$$(git status --porcelain --untracked-files=all -- $(GENERATED)); \
	if [[ -n $$changed ]]; then git --no-pager diff --stat -- $(GENERATED); \
		echo "Generated files differ from what is committed; run make generate and commit:"; echo "$$changed"; exit 1; fi

.PHONY: lint
lint: lint-docs lint-guards lint-proto lint-breaking lint-format lint-vet lint-go lint-deploy lint-plugin ## all static checks

.PHONY: lint-docs
lint-docs: ## links between pages, and the heads of decisions; needs python3
	@scripts/check-links

.PHONY: lint-proto
lint-proto: protos ## buf lint and format
	$(BUF) lint
	$(BUF) format --diff --exit-code --path proto/fgd

.PHONY: lint-breaking
lint-breaking: protos ## buf breaking against the merge base with main
	@BUF='$(BUF)' scripts/buf-breaking $(PROTOVALIDATE_VERSION)

.PHONY: lint-format
lint-format: $(TOOLS)/gofumpt-$(GOFUMPT_VERSION) ## gofumpt
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' ':!proto/gen' ':!*zz_generated*' | xargs -r $< -l); \
	if [[ -n $$unformatted ]]; then echo "Not formatted; run make format:"; echo "$$unformatted"; exit 1; fi

.PHONY: format
format: $(TOOLS)/gofumpt-$(GOFUMPT_VERSION) ## format all Go files
	git ls-files -co --exclude-standard '*.go' ':!proto/gen' ':!*zz_generated*' | xargs -r $< -w

.PHONY: lint-vet
lint-vet: ## go vet
	go vet -tags kills work

.PHONY: lint-go
lint-go: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION) ## golangci-lint
	$< run $(addsuffix /...,$(MODULES))

.PHONY: lint-plugin
lint-plugin: $(PLUGIN_LINTERS)/made ## ruff and mypy on the plugin for NetBox; needs python3
	cd $(PLUGIN) && $(PLUGIN_LINTERS)/bin/ruff check --no-cache && $(PLUGIN_LINTERS)/bin/ruff format --no-cache --check
	cd $(PLUGIN) && $(PLUGIN_LINTERS)/bin/mypy --cache-dir $(PLUGIN_LINTERS)/cache netbox_fgd_sync

$(PLUGIN_LINTERS)/made: $(PLUGIN)/requirements-lint.txt
	@scripts/install-packages python3-venv
	rm -rf $(PLUGIN_LINTERS)
	python3 -m venv $(PLUGIN_LINTERS)
	$(PLUGIN_LINTERS)/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: -r $<
	touch $@

# The version that the lab of test/netbox builds it with.
WHEEL_BUILDER := $(CURDIR)/.cache/wheel-builder
SETUPTOOLS_VERSION := 84.2.1

.PHONY: plugin-wheel
plugin-wheel: $(WHEEL_BUILDER)/setuptools-$(SETUPTOOLS_VERSION) ## build the plugin for NetBox as a wheel, in its folder dist; needs python3
	rm -rf $(PLUGIN)/build $(PLUGIN)/dist
	$(WHEEL_BUILDER)/bin/pip wheel --quiet --disable-pip-version-check --ignore-requires-python --no-deps --no-build-isolation \
		--wheel-dir $(PLUGIN)/dist ./$(PLUGIN)
	@ls $(PLUGIN)/dist/*.whl

$(WHEEL_BUILDER)/setuptools-$(SETUPTOOLS_VERSION):
	@scripts/install-packages python3-venv
	rm -rf $(WHEEL_BUILDER)
	python3 -m venv $(WHEEL_BUILDER)
	$(WHEEL_BUILDER)/bin/pip install --quiet --disable-pip-version-check --no-deps setuptools==$(SETUPTOOLS_VERSION)
	touch $@

# The modules below deploy/ are none of the workspace: what their tests read rules and compose files with, and Helm,
# shall decide no version of what the programs are built from.
.PHONY: lint-deploy
lint-deploy: build ## alerts and runbooks with real programs, compose file, chart and unit; HELM_FLAGS=-update writes deploy/kubernetes
	@scripts/install-packages prometheus prometheus-alertmanager redis-server openssl age systemd
	promtool check config --lint=all deploy/prometheus/prometheus.yml
	promtool check rules --lint=all deploy/prometheus/alerts.yml
	promtool test rules deploy/prometheus/alerts_test.yml
	amtool check-config deploy/alertmanager/alertmanager.yml
	GOWORK=off go -C deploy mod tidy -diff
	GOWORK=off go -C deploy vet ./...
	GOWORK=off go -C deploy test -count=1 ./... -args -fgd $(CURDIR)/bin/fgd
	GOWORK=off go -C deploy/helm mod tidy -diff
	GOWORK=off go -C deploy/helm vet ./...
	GOWORK=off go -C deploy/helm test -count=1 ./... -args -programs $(CURDIR)/bin $(HELM_FLAGS)
	scripts/lint-unit bin/fgd

.PHONY: kubernetes-schemas
kubernetes-schemas: ## write the schemas of the kinds that the chart makes, from what Kubernetes publishes
	scripts/kubernetes-schemas $(KUBERNETES_VERSION) deploy/helm/schemas

.PHONY: metrics-page
metrics-page: fgd ## write docs/metrics.md anew, of what fgd up shows
	GOWORK=off go -C deploy test -count=1 -run TestThePageOfMetrics ./... -args -fgd $(CURDIR)/bin/fgd -update

.PHONY: standalone
standalone: ## build and vet each module without the workspace, with tidy go.mod files
	@for dir in $(MODULES); do \
		echo "$${dir#$(CURDIR)/}"; \
		GOWORK=off go -C "$$dir" mod tidy -diff; \
		GOWORK=off go -C "$$dir" build ./...; \
		GOWORK=off go -C "$$dir" vet ./...; \
	done

.PHONY: tidy
tidy: ## tidy the go.mod of every module
	for dir in $(MODULES); do GOWORK=off go -C "$$dir" mod tidy; done

.PHONY: clean
clean: ## remove what was built; data folders and cached tools stay
	rm -rf bin

$(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION):
	@echo "Building golangci-lint $(GOLANGCI_LINT_VERSION), once; it takes some minutes."
	@scripts/install-tool github.com/golangci/golangci-lint/v2/cmd/golangci-lint $(GOLANGCI_LINT_VERSION) $@

$(TOOLS)/gitea-$(GITEA_VERSION):
	@echo "Building Gitea $(GITEA_VERSION), once; it takes some minutes."
	@scripts/install-packages gcc libc6-dev
	@scripts/install-gitea $(GITEA_VERSION) $@

$(TOOLS)/gofumpt-$(GOFUMPT_VERSION):
	@scripts/install-tool mvdan.cc/gofumpt $(GOFUMPT_VERSION) $@
