/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules of the legacy tables that name a domain, in a network namespace of our own; and
 * those of Xen's hotplug script, which do not count.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/engine/legacy.h"
#include "lib/util/cleanup.h"
#include "tests/unit/shell.h"

#define BRIDGED " -m physdev --physdev-is-bridged --physdev-"

/* Does the domain with vif3.0 and 192.0.2.7 lose something, with these rules alone? */
static bool loses(bool hotplug, const char *const *rules)
{
	struct nse_vif vif = { .name = "vif3.0" };
	struct nse_addr addr;
	struct nse_scope scope;
	struct nse_problems p = NSE_PROBLEMS_INIT;
	enum nse_severity worst;

	nse_scope_init(&scope);
	assert_int_equal(nse_addr_parse("192.0.2.7", &addr, NULL), 0);
	scope.domain.vifs = &vif;
	scope.domain.nvifs = 1;
	scope.domain.addrs = &addr;
	scope.domain.naddrs = 1;
	assert_int_equal(shell("iptables-legacy -F && iptables-legacy -X"), 0);
	for (; *rules; rules++)
		assert_int_equal(shell("iptables-legacy %s", *rules), 0);
	assert_int_equal(nse_legacy_problems(&scope, true, hotplug, &p), 0);
	worst = nse_problems_worst(&p);
	nse_problems_release(&p);
	return worst == NSE_LOSS;
}
#define LOSES(hotplug, ...) loses(hotplug, (const char *const[]){ __VA_ARGS__, NULL })

#define IN(vif)	 "-I FORWARD" BRIDGED "in " vif " -j ACCEPT"
#define OUT(vif) "-I FORWARD" BRIDGED "out " vif " -j ACCEPT"

static void hotplug_rules(void **state)
{
	(void)state;
	assert_false(LOSES(true, IN("vif3.0"), OUT("vif3.0")));
	assert_false(LOSES(true, "-A FORWARD -s 198.51.100.1 -j DROP", IN("vif4.0"),
			   OUT("vif3.0"), IN("vif3.0")));
	/* On another platform nobody makes them on the other host. */
	assert_true(LOSES(false, IN("vif3.0")));
}

static void others(void **state)
{
	static const char *const list[] = {
		"-I FORWARD" BRIDGED "in vif3.0 -j DROP",
		"-I FORWARD" BRIDGED "in vif3.0 -s 192.0.2.7 -j ACCEPT",
		"-I FORWARD" BRIDGED "in vif3.0 -p udp --sport 68 -j ACCEPT",
		"-I FORWARD -i br0" BRIDGED "in vif3.0 -j ACCEPT",
		"-I FORWARD" BRIDGED "in vif3.0 --physdev-out eth0 -j ACCEPT",
		"-I FORWARD -m physdev --physdev-in vif3.0 -j ACCEPT",
		"-I FORWARD -m physdev --physdev-is-bridged ! --physdev-in vif3.0 -j ACCEPT",
		"-I INPUT" BRIDGED "in vif3.0 -j ACCEPT",
		"-I FORWARD -i vif3.0 -j ACCEPT",
		"-I FORWARD -d 192.0.2.7 -j ACCEPT",
	};

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(list); i++)
		if (!LOSES(true, IN("vif3.0"), list[i]))
			fail_msg("%s is no loss", list[i]);
	assert_true(LOSES(true, "-N mine", "-A mine" BRIDGED "in vif3.0 -j ACCEPT",
			  "-A FORWARD -j mine"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hotplug_rules),
		cmocka_unit_test(others),
	};

	if (!may_unshare())
		return 0;
	if (shell("iptables-legacy -L") != 0) {
		puts("1..0 # SKIP no legacy tables here");
		return 0;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
