# How things are built. Included by the Makefile only.

B := build/$(VARIANT)
Q := $(if $(V),,@)
CLANG ?= clang-14
CC = $(if $(filter fuzz,$(VARIANT)),$(CLANG),gcc)

.DELETE_ON_ERROR:

WARN_gcc := -Wall -Wextra -Wshadow -Wundef -Wvla -Walloca -Wformat=2 -Wwrite-strings -Wcast-qual -Wpointer-arith \
  -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough=5 -Wswitch-enum -Wdouble-promotion \
  -Wnull-dereference -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init
WARN_clang := -Wall -Wextra
COMPILER := $(if $(findstring clang,$(CC)),clang,gcc)
COMMON := -std=c11 -D_GNU_SOURCE -g -fno-common -Iinclude -I$(B)/gen $(WARN_$(COMPILER)) $(if $(filter 1,$(WERROR)),-Werror)
HARDEN := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE

CFLAGS_release := -O2 $(HARDEN)
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
CFLAGS_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS_asan := -fsanitize=address,undefined
CFLAGS_tsan := -O1 -fsanitize=thread -fno-omit-frame-pointer
LDFLAGS_tsan := -fsanitize=thread
CFLAGS_coverage := -O0 --coverage -fprofile-update=atomic
LDFLAGS_coverage := --coverage
CFLAGS_fuzz := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS_fuzz := -fsanitize=fuzzer,address,undefined

# pkg-config once a make, and only after the packages are there.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PACKAGES) libcurl 2>/dev/null))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PACKAGES) 2>/dev/null))$(PKG_LIBS)
CLIENT_LIBS = $(eval CLIENT_LIBS := $$(shell pkg-config --libs $(CLIENT_PACKAGES) 2>/dev/null))$(CLIENT_LIBS)

ALL_CFLAGS = $(COMMON) $(CFLAGS_$(VARIANT)) $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = $(LDFLAGS_$(VARIANT)) $(LDFLAGS)

# Objects are made again when the compiler or its flags change, archives when a .c file comes or goes.
.PHONY: FORCE
FORCE:
keep_text = @mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@
# Everything compiled waits for the flags: a machine without the compiler or a library hears here what to do.
$(B)/flags: FORCE
	@command -v $(CC) >/dev/null && command -v pkg-config >/dev/null && pkg-config --exists $(PACKAGES) libcurl || { \
	  echo "$(CC), pkg-config or a library is missing: 'make deps-$(if $(filter fuzz,$(VARIANT)),test,build)' installs what is needed" >&2; exit 1; }
	$(call keep_text,$(CC) $(filter-out -Werror,$(ALL_CFLAGS)) $(ALL_LDFLAGS))
$(B)/sources: FORCE
	$(call keep_text,$(sort $(shell find src -name '*.c' -o -name '*.sql')))

# Every room is an archive of its .c files, sub-folders included.
room_src = $(shell find src/$(1) -name '*.c' 2>/dev/null | sort)
room_obj = $(patsubst %.c,$(B)/%.o,$(call room_src,$(1)))
room_lib = $(B)/lib$(1).a
reverse = $(if $(1),$(call reverse,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
# rooms_upto,<room>: that room and all below it.
rooms_upto = $(if $(1),$(call rooms_upto_,$(1),$(ROOMS)))
rooms_upto_ = $(firstword $(2)) $(if $(filter $(1),$(firstword $(2))),,$(call rooms_upto_,$(1),$(wordlist 2,$(words $(2)),$(2))))
libs_upto = $(foreach r,$(call reverse,$(call rooms_upto,$(1))),$(call room_lib,$(r)))

define room_rules
$(call room_lib,$(1)): $(call room_obj,$(1)) $(B)/sources
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$(filter %.o,$$^)
endef
$(foreach r,$(ROOMS) client cli dp,$(eval $(call room_rules,$(r))))

# The store's numbered migrations, each as one C string, in number order.
STORE_SQL := $(sort $(wildcard src/store/sql/*.sql))
$(B)/gen/store_migrations.inc: $(STORE_SQL) $(B)/sources
	@mkdir -p $(@D)
	$(Q)for f in $(STORE_SQL); do echo "("; sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $$f; echo "),"; done > $@
$(B)/src/store/migrate.o: $(B)/gen/store_migrations.inc

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC    $<")
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/ursa-cp: $(call libs_upto,daemon)
	$(if $(V),,@echo "  LINK  $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(PKG_LIBS) -lpthread -lm
$(B)/ursactl: $(call room_lib,cli) $(foreach r,$(call reverse,$(CLIENT_ROOMS)),$(call room_lib,$(r)))
	$(if $(V),,@echo "  LINK  $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CLIENT_LIBS) -lpthread -lm
$(B)/ursa-dp: $(call room_lib,dp) $(foreach r,$(call reverse,$(CLIENT_ROOMS)),$(call room_lib,$(r)))
	$(if $(V),,@echo "  LINK  $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CLIENT_LIBS) -lpthread -lm
build/%: build/release/%
	@ln -sf release/$* $@

# Unit tests: tests/unit/<room>/<name>_test.c becomes a program that links that room and all below it.
UNIT_SRC := $(shell find tests/unit -name '*_test.c' 2>/dev/null | sort)
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(UNIT_SRC))
TEST_LIB_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/lib/*.c))
unit_room = $(firstword $(subst /, ,$(patsubst tests/unit/%,%,$(1))))
# The client rooms stand beside the daemon's.
unit_libs = $(if $(filter client cli dp,$(1)),$(call room_lib,$(1)) $(foreach r,$(call reverse,$(CLIENT_ROOMS)),$(call room_lib,$(r))),$(call libs_upto,$(1)))
define unit_rule
$(B)/tests/unit/$(patsubst tests/unit/%.c,%,$(1)): $(B)/$(1:.c=.o) $(TEST_LIB_OBJ) $(call unit_libs,$(call unit_room,$(1)))
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$(B)/$(1:.c=.o) $$(TEST_LIB_OBJ) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(PKG_LIBS) $$(CLIENT_LIBS) -lcmocka -lpthread -lm
endef
$(foreach t,$(UNIT_SRC),$(eval $(call unit_rule,$(t))))
# One room: make unit-base
$(foreach r,$(ROOMS) client cli dp,$(eval unit-$(r): $(filter $(B)/tests/unit/$(r)/%,$(UNIT_BIN)); @set -e; for t in $$^; do $$$$t; done))

.PHONY: unit-programs
unit-programs: $(UNIT_BIN)

# What the fault tests drive: build/<variant>/tests/fault/<name>.
FAULT_BIN := $(patsubst tests/fault/%.c,$(B)/tests/fault/%,$(wildcard tests/fault/*.c))
.PHONY: test-programs
test-programs: $(FAULT_BIN) $(B)/tests/golden $(B)/tests/dump_config $(B)/tests/wall_clock.so bench-programs
$(FAULT_BIN): $(B)/tests/fault/%: $(B)/tests/fault/%.o $(call libs_upto,admit)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(PKG_LIBS) -lpthread -lm

# The golden runner, and the compiler's output for the conformance tests.
$(B)/tests/dump_config: $(B)/tests/tools/over_xds.o
$(B)/tests/golden $(B)/tests/dump_config: $(B)/tests/%: $(B)/tests/tools/%.o $(B)/tests/tools/world.o $(call libs_upto,xds)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(PKG_LIBS) -lpthread -lm

# What is loaded into programs as they are, Envoy too: of no variant.
$(B)/tests/%.so: tests/tools/%.c $(B)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(COMMON) -O2 -fPIC -shared -o $@ $<

# Fuzz targets: build/fuzz/<name>_fuzz, one per door for bytes.
FUZZ_BIN := $(patsubst fuzz/%.c,$(B)/%,$(wildcard fuzz/*_fuzz.c))
.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_BIN)
$(FUZZ_BIN): $(B)/%_fuzz: $(B)/fuzz/%_fuzz.o $(call libs_upto,api)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(PKG_LIBS) -lpthread -lm

# Benchmarks: bench/<name>.c is a program, and so are the files of bench/load together. Linked with the daemon's rooms.
BENCH_BIN := $(patsubst bench/%.c,$(B)/bench/%,$(wildcard bench/*.c)) $(B)/bench/ads_load
LOAD_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard bench/load/*.c))
.PHONY: bench-programs
bench-programs: $(BENCH_BIN)
$(B)/bench/ads_load: $(LOAD_OBJ)
$(filter-out %/ads_load,$(BENCH_BIN)): $(B)/bench/%: $(B)/bench/%.o
$(BENCH_BIN): $(call libs_upto,net)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(PKG_LIBS) -lpthread -lm

.PHONY: clean
clean:
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
