# SPDX-License-Identifier: GPL-3.0-or-later
# nsemig: live migration of a Xen VM with its network security context.
#
#   make                build/nsemig
#   sudo make deps demo, sudo make deps check: see README.md
#
# Variables: V=1 (show commands), SANITIZE=address,undefined, WERROR=1,
# PREFIX, DESTDIR, CC, CFLAGS, LDFLAGS.

VERSION   := 0.1.0
PREFIX    ?= /usr/local
SBINDIR   ?= $(PREFIX)/sbin
MANDIR    ?= $(PREFIX)/share/man
BASHDIR   ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR    ?= $(PREFIX)/share/zsh/site-functions
FISHDIR   ?= $(PREFIX)/share/fish/vendor_completions.d
DOCDIR    ?= $(PREFIX)/share/doc/nsemig
UNITDIR   ?= $(PREFIX)/lib/systemd/system
EXAMPLES  := cron/nsemig logrotate/nsemig prometheus/nsemig.rules.yml nft/dom0.nft nsemig.conf

CC        ?= cc
CFLAGS    ?= -O2 -g
PKGS      := libmnl libnetfilter_conntrack libnftnl libzstd libssh2 jansson inih \
	     smartcols libxxhash libsystemd xenlight xencontrol xenstore
CMDLIBS   := -lreadline
WARN      := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	     -Wformat=2 -Wvla
HARDEN    := -fstack-protector-strong -fPIE
HARDENLD  := -pie -Wl,-z,relro,-z,now
ifeq ($(SANITIZE),)
B         := build
HARDEN    += -D_FORTIFY_SOURCE=2
else
B         := build-san
SAN       := -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
ifneq ($(WERROR)$(CI),)
WARN      += -Werror
endif
JOBS      := $(shell nproc)
Q         := $(if $(V),,@)
say        = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

PKGCFLAGS  = $(shell pkg-config --cflags $(PKGS))
PKGLIBS    = $(shell pkg-config --libs $(PKGS))
ALLCFLAGS  = -std=gnu11 -D_GNU_SOURCE -DNSEMIG_VERSION='"$(VERSION)"' -I. $(WARN) \
	     $(HARDEN) $(SAN) -pthread $(PKGCFLAGS) $(CFLAGS)
ALLLDFLAGS = $(HARDENLD) $(SAN) -pthread $(LDFLAGS)

LIBSRC    := $(sort $(wildcard lib/*/*.c lib/*/*/*.c))
CMDSRC    := $(sort $(wildcard cmd/*.c))
UNITSRC   := $(sort $(wildcard tests/unit/test_*.c))
FUZZSRC   := $(sort $(wildcard tests/fuzz/fuzz_*.c))
BENCHSRC  := $(sort $(wildcard tests/bench/*.c))
HELPERSRC := $(sort $(wildcard tests/helpers/*.c))
LIBOBJ    := $(LIBSRC:%.c=$(B)/%.o)
CMDOBJ    := $(CMDSRC:%.c=$(B)/%.o)
UNITS     := $(UNITSRC:%.c=$(B)/%)
BENCHES   := $(BENCHSRC:%.c=$(B)/%)
HELPERS   := $(HELPERSRC:%.c=$(B)/%)
LIB       := $(B)/libnsemig.a
BIN       := $(B)/nsemig

all: $(BIN)

$(B)/%.o: %.c $(MAKEFILE_LIST)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALLCFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(LIBOBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(BIN): $(CMDOBJ) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALLLDFLAGS) -o $@ $^ $(PKGLIBS) $(CMDLIBS)

$(UNITS): $(B)/tests/unit/%: $(B)/tests/unit/%.o $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALLLDFLAGS) -o $@ $^ $(PKGLIBS) -lcmocka

$(BENCHES) $(HELPERS): $(B)/%: $(B)/%.o $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALLLDFLAGS) -o $@ $^ $(PKGLIBS)

-include $(shell find build build-san -name '*.d' 2>/dev/null)

deps:
	contrib/install-deps

# Tests that run at once: they mostly wait, even where there are few processors.
TEST_JOBS ?= 2

# Unit tests need no privileges; those of the engines make namespaces and
# skip themselves without root.
# One changes the size of the machine's connection tracking table, and is alone; those
# with an sshd on a free port are not beside each other.
UNIT_ALONE := $(B)/tests/unit/test_ct_collect
check-unit: $(UNITS)
	$(Q)rc=0; prove --exec tests/tap $(UNIT_ALONE) || rc=1; \
		prove -j$(TEST_JOBS) --rules='seq=**/test_ssh_*' --rules='par=**' --exec tests/tap \
			$(filter-out $(UNIT_ALONE),$(UNITS)) || rc=1; exit $$rc

# A part of the fault matrix, which takes 11 minutes as a whole (MATRIX_SHARD=1/1).
# What measures loss at full speed is not for slow programs, and 10-lab tries the
# lab alone, without nsemig.
E2E := $(sort $(wildcard tests/e2e/*.t))
ifneq ($(SANITIZE),)
E2E := $(filter-out %/10-lab.t %/25-loss.t %/63-several.t,$(E2E))
endif
# Each has a lab or namespaces of its own, so they run beside each other, the long
# ones first; but for 10-lab, which changes the size of the machine's connection
# tracking table, 25-loss and 63-several, which are about what is lost on the way,
# 62-fault-matrix, whose links are silent for a limited time, and 40-xl-gate, some of
# whose limits are half a second.
E2E_ALONE := $(filter %/10-lab.t %/25-loss.t %/40-xl-gate.t %/62-fault-matrix.t \
	     %/63-several.t,$(E2E))
E2E_LONG  := $(filter %/50-commands.t %/60-faults.t %/70-nft.t %/82-check.t \
	     %/86-examples.t,$(E2E))
E2E_PROVE  = MATRIX_SHARD=$${MATRIX_SHARD:-$(if $(SANITIZE),1/8,1/4)} \
	     NSEMIG=$(CURDIR)/$(BIN) BUILD=$(CURDIR)/$(B) prove --timer

check-e2e: all $(HELPERS)
	$(Q)rc=0; $(E2E_PROVE) $(E2E_ALONE) || rc=1; \
		$(E2E_PROVE) -j$(TEST_JOBS) $(E2E_LONG) \
			$(filter-out $(E2E_ALONE) $(E2E_LONG),$(E2E)) || rc=1; exit $$rc

# Two emulated hosts with Xen; the first run makes their image (tests/xen/base).
check-xen:
	contrib/install-deps xen
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(BIN) $(HELPERS)
	$(Q)BUILD=$(CURDIR)/$(B) tests/xen/run

# Everything that the tests run.
programs: $(BIN) $(UNITS) $(HELPERS)

helpers: $(HELPERS)

check:
	$(Q)$(MAKE) --no-print-directory lint
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) programs
	$(Q)$(MAKE) --no-print-directory check-unit check-e2e
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) programs SANITIZE=address,undefined
	$(Q)$(MAKE) --no-print-directory check-unit check-e2e SANITIZE=address,undefined

demo:
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(BIN) $(HELPERS)
	$(Q)NSEMIG=$(CURDIR)/$(BIN) contrib/lab/demo

# What applications in a guest notice of a move, on the same two hosts.
bench-xen:
	contrib/install-deps xen
	$(Q)$(MAKE) --no-print-directory -j$(JOBS) $(BIN) $(HELPERS)
	$(Q)tests/xen/bench

bench: all $(BENCHES)
	$(Q)NSEMIG=$(CURDIR)/$(BIN) BUILD=$(CURDIR)/$(B) tests/bench/run

fuzz:
	$(Q)tests/fuzz/run $(FUZZSRC)

lint:
	$(Q)tests/lint

format:
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')

install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man7 \
		$(DESTDIR)$(MANDIR)/man8 \
		$(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(FISHDIR) $(DESTDIR)$(DOCDIR) \
		$(DESTDIR)$(UNITDIR)
	install -m 755 $(BIN) $(DESTDIR)$(SBINDIR)/nsemig
	install -m 644 man/*.5 $(DESTDIR)$(MANDIR)/man5
	install -m 644 man/*.7 $(DESTDIR)$(MANDIR)/man7
	install -m 644 man/*.8 $(DESTDIR)$(MANDIR)/man8
	install -m 644 completions/nsemig.bash $(DESTDIR)$(BASHDIR)/nsemig
	install -m 644 completions/nsemig.zsh $(DESTDIR)$(ZSHDIR)/_nsemig
	install -m 644 completions/nsemig.fish $(DESTDIR)$(FISHDIR)/nsemig.fish
	install -m 644 README.md $(DESTDIR)$(DOCDIR)
	install -m 644 contrib/systemd/nsemig-* $(DESTDIR)$(UNITDIR)
	for f in $(EXAMPLES); do \
		install -D -m 644 contrib/$$f $(DESTDIR)$(DOCDIR)/examples/$$f || exit 1; \
	done

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/nsemig $(DESTDIR)$(BASHDIR)/nsemig \
		$(DESTDIR)$(ZSHDIR)/_nsemig $(DESTDIR)$(FISHDIR)/nsemig.fish \
		$(DESTDIR)$(DOCDIR)/README.md $(DESTDIR)$(MANDIR)/man5/nsemig* \
		$(DESTDIR)$(MANDIR)/man7/nsemig* $(DESTDIR)$(MANDIR)/man8/nsemig* \
		$(DESTDIR)$(UNITDIR)/nsemig-snapshot.*
	rm -rf $(DESTDIR)$(DOCDIR)/examples

dist:
	git archive --prefix=nsemig-$(VERSION)/ -o nsemig-$(VERSION).tar.gz HEAD

clean:
	rm -rf build build-san build-fuzz

.PHONY: all deps programs helpers check check-unit check-e2e check-xen demo bench bench-xen fuzz \
	lint format install uninstall dist clean
.SECONDARY:
