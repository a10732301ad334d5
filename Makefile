# Ursa -- 'make help' lists the targets. Objects go to build/<variant>/; nothing generated is in git but the Envoy schema table.
# The rules are in rules.mk; this file says what there is to build.

.DEFAULT_GOAL := all
VARIANT ?= release

# Rooms in the order of style.md section 2: a room includes only what stands left of it.
ROOMS := base resource store auth ca admit mesh envoy policy compile xds insight rollout doctor net api daemon
# ursactl and ursa-dp talk HTTP only: they link these and nothing else of the daemon.
CLIENT_ROOMS := base resource client

PACKAGES := libmicrohttpd jansson yaml-0.1 libcrypto libssl sqlite3 libnghttp2
CLIENT_PACKAGES := jansson yaml-0.1 libcrypto libcurl

include rules.mk

.PHONY: all
all: $(B)/ursa-cp $(B)/ursactl $(B)/ursa-dp $(if $(filter release,$(VARIANT)),build/ursa-cp build/ursactl build/ursa-dp)

# ---- what a machine needs ----
BUILD_PACKAGES := gcc make pkg-config libc6-dev libmicrohttpd-dev libjansson-dev libyaml-dev libssl-dev libsqlite3-dev \
  libnghttp2-dev libcurl4-openssl-dev
TEST_PACKAGES := libcmocka-dev python3 python3-pytest python3-yaml python3-cryptography python3-jsonschema python3-h2 iproute2 iptables libasan8 libubsan1 libtsan2 clang-14 libclang-rt-14-dev \
  strace sqlite3 curl procps faketime
LINT_PACKAGES := clang-format-14 cppcheck python3
BENCH_PACKAGES := python3 wrk

.PHONY: deps-build deps-demo deps-test deps-lint deps-bench
deps-build:
	@tools/ensure-packages "the build" $(BUILD_PACKAGES)
deps-test: deps-build
	@tools/ensure-packages "the tests" $(TEST_PACKAGES)
	@tools/ensure-envoy build/envoy
deps-lint:
	@tools/ensure-packages "lint" $(LINT_PACKAGES)
deps-demo: deps-build
	@tools/ensure-packages "the demo" python3 curl
	@tools/ensure-envoy build/envoy
deps-bench: deps-build
	@tools/ensure-packages "the benchmarks" $(BENCH_PACKAGES)

JOBS ?= $(shell nproc)
SUB = $(MAKE) --no-print-directory -j$(JOBS) WERROR=1

# ---- the two commands of the README ----
.PHONY: demo test
demo: deps-demo
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@tools/demo $(ARGS)

TIERS ?= lint unit golden conformance flow fault asan tsan fuzz
test: deps-test deps-lint
	@$(SUB) all unit-programs test-programs
	@$(SUB) VARIANT=asan all unit-programs
	@$(SUB) VARIANT=tsan all unit-programs
	@$(SUB) VARIANT=fuzz fuzz-programs
	@tests/run $(TIERS)

# ---- single tiers ----
.PHONY: check check-flow check-conformance check-fault check-asan check-tsan check-flow-asan check-flow-tsan fuzz golden-update
check: deps-test
	@$(SUB) unit-programs test-programs
	@tests/run unit golden
check-flow check-conformance check-fault: check-%: deps-test
	@$(SUB) all test-programs
	@tests/run $*
check-asan check-tsan: check-%: deps-test
	@$(SUB) VARIANT=$* all unit-programs
	@tests/run $*
check-flow-asan check-flow-tsan: check-flow-%: deps-test
	@$(SUB) VARIANT=$* all
	@tests/run flow-$*
golden-update: deps-test
	@$(SUB) test-programs
	@build/release/tests/golden --update
# make fuzz [T=yaml] [S=60]: each target, or one, for so many seconds.
fuzz: deps-test
	@$(SUB) VARIANT=fuzz fuzz-programs
	@for f in $(if $(T),build/fuzz/$(T)_fuzz,build/fuzz/*_fuzz); do tools/fuzz-one $$f $(or $(S),60) || exit 1; done

LINTS := lint-format lint-headers lint-layers lint-names lint-banned lint-settings lint-man lint-hardening lint-cppcheck
.PHONY: lint $(LINTS)
lint: deps-lint
	@$(MAKE) --no-print-directory $(LINTS)
C_FILES = $(filter-out src/envoy/schema_table.c,$(or $(shell git ls-files '*.c' '*.h'),$(error git names no files here: nothing to look at)))
lint-format:
	@clang-format-14 --dry-run -Werror $(C_FILES)
lint-headers:
	@for h in $(filter %.h,$(C_FILES)); do $(CC) $(COMMON) $(PKG_CFLAGS) -Werror -fsyntax-only -x c $$h || exit 1; done
lint-layers lint-names lint-banned: lint-%:
	@tools/check-$*
lint-settings: build/release/ursa-cp
	@build/release/ursa-cp settings | diff -u configs/ursa.yaml - || { echo "configs/ursa.yaml is not what 'ursa-cp settings' prints"; exit 1; }
# The pages that the programs write, held against this machine's formatter.
lint-man: build/release/ursa-cp build/release/ursactl build/release/ursa-dp
	@tools/check-man $^
lint-hardening: build/release/ursa-cp build/release/ursactl build/release/ursa-dp
	@tools/check-hardening $^
lint-cppcheck:
	@cppcheck -q --enable=warning,performance,portability --error-exitcode=2 --inline-suppr --suppressions-list=tools/cppcheck.suppress \
	  --std=c11 -D_GNU_SOURCE -Iinclude -j$(JOBS) $(filter %.c,$(filter src/%,$(C_FILES)))

.PHONY: analyze
analyze: deps-lint $(B)/gen/store_migrations.inc
	@tools/ensure-packages "the analyzers" clang-tidy-14 clang-14
	@printf '%s\n' $(filter src/%.c,$(C_FILES)) | xargs -P $(JOBS) -n 1 sh -c 'clang-tidy-14 --quiet --warnings-as-errors="*" "$$@" -- \
	  -std=c11 -D_GNU_SOURCE -Iinclude -I$(B)/gen 2>/dev/null' clang-tidy && echo "analyze: nothing found"

.PHONY: coverage bench bench-full soak
coverage: deps-test
	@tools/ensure-packages "the coverage report" gcovr
	@$(SUB) VARIANT=coverage unit-programs test-programs
	@find build/coverage -name '*.gcda' -delete
	@for t in build/coverage/tests/unit/*/*_test build/coverage/tests/golden; do \
	  $$t >build/coverage/log 2>&1 || { cat build/coverage/log; exit 1; }; done
	@gcovr -r . --object-directory build/coverage --filter src/ --exclude src/envoy/schema_table.c --html build/coverage/index.html \
	  --csv build/coverage/files.csv
	@awk -F, 'NR > 1 { split($$1, at, "/"); all[at[2]] += $$2; run[at[2]] += $$3 } \
	  END { for (r in all) printf "%-10s %5.1f %% of %5d lines\n", r, 100 * run[r] / all[r], all[r] }' build/coverage/files.csv | sort
bench bench-full: deps-bench
	@$(MAKE) --no-print-directory -j$(JOBS) all bench-programs
	@bench/run $(if $(filter bench-full,$@),--full) $(ARGS)
# Proxies, changes and real Envoys under load for SOAK_SECONDS (600): memory and descriptors stay, no request fails.
soak: deps-test
	@$(MAKE) --no-print-directory -j$(JOBS) all bench-programs
	@bench/soak $(SOAK_SECONDS)

# ---- installation ----
PREFIX ?= /usr
.PHONY: install
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)/etc/ursa $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 755 build/release/ursa-cp build/release/ursactl build/release/ursa-dp $(DESTDIR)$(PREFIX)/bin
	install -m 644 configs/ursa.yaml $(DESTDIR)/etc/ursa/ursa.yaml
	install -m 644 configs/ursa.service $(DESTDIR)$(PREFIX)/lib/systemd/system/ursa.service
	install -d $(addprefix $(DESTDIR)$(PREFIX)/share/,man/man1 man/man8 bash-completion/completions zsh/site-functions fish/vendor_completions.d)
	build/release/ursactl man | gzip -9n >$(DESTDIR)$(PREFIX)/share/man/man1/ursactl.1.gz
	build/release/ursa-dp man | gzip -9n >$(DESTDIR)$(PREFIX)/share/man/man1/ursa-dp.1.gz
	build/release/ursa-cp man | gzip -9n >$(DESTDIR)$(PREFIX)/share/man/man8/ursa-cp.8.gz
	build/release/ursactl completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/ursactl
	build/release/ursactl completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_ursactl
	build/release/ursactl completion fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/ursactl.fish

.PHONY: help
help:
	@printf '%s\n' \
	  'make                 build/ursa-cp, build/ursactl, build/ursa-dp' \
	  'make demo            two meshes of real Envoys, shown working; ARGS=--once runs through and exits' \
	  'make test            every tier; ends with N passed, N failed, N skipped' \
	  'make check           unit and golden tests: the inner loop; make unit-ROOM: the unit tests of src/ROOM' \
	  'make check-flow      real Envoys; also check-conformance, check-fault, check-asan, check-tsan' \
  'make check-flow-tsan real Envoys and a daemon that watches its threads; also check-flow-asan' \
	  'make golden-update   rewrite what the golden cases expect; review the diff like code' \
	  'make fuzz T=yaml S=60  one fuzz target, or all' \
	  'make lint            format, headers alone, layers, names, banned calls, settings, man pages, hardening, cppcheck' \
	  'make analyze         clang-tidy' \
	  'make coverage        one number a folder and build/coverage/index.html' \
	  'make bench           figures in 3 minutes, also as JSON under build/bench/; ARGS="--only visible"; bench/run --help' \
  'make bench-full      the sizes that the targets speak of, half an hour' \
  'make soak            SOAK_SECONDS=600: proxies, changes, two Envoys under load; memory stays, no request fails' \
	  'make install         DESTDIR= PREFIX=/usr' \
	  'make clean           removes build/' \
  '' \
  'VARIANT=asan|tsan|coverage before a target: another build beside build/release; V=1 shows commands; WERROR=1 refuses warnings'
