/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a target's own configuration allows another host to ask for.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/session/policy.h"

static char path[] = "/tmp/nsemig-policy.XXXXXX";
static struct nse_config config;
static struct nse_scope scope;
static struct nse_error err;

static void configure(const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	setenv("NSEMIG_CONFIG", path, 1);
	nse_config_release(&config);
	if (nse_config_load(&config, &err) < 0)
		fail_msg("%s", err.text);
}

static void add_addr(const char *text)
{
	struct nse_addr a;

	assert_int_equal(nse_addr_parse(text, &a, NULL), 0);
	assert_int_equal(nse_domain_add_addr(&scope.domain, &a), 0);
}

static int setup(void **state)
{
	struct nse_vif vif = { 0, "vif5.0", "00:16:3e:00:00:05", "" };

	(void)state;
	nse_scope_init(&scope);
	snprintf(scope.domain.name, sizeof(scope.domain.name), "web1");
	scope.domain.id = 5;
	assert_int_equal(nse_domain_add_vif(&scope.domain, &vif), 0);
	add_addr("192.0.2.5");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	nse_scope_release(&scope);
	nse_config_release(&config);
	return 0;
}

static void assert_allowed(void)
{
	if (nse_policy_scope(&config, &scope, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_refused(const char *text)
{
	assert_int_equal(nse_policy_scope(&config, &scope, &err), -EPERM);
	if (!strstr(err.text, text) && !strstr(err.advice, text))
		fail_msg("'%s' lacks '%s'", err.text, text);
}

static void test_addresses(void **state)
{
	(void)state;
	configure("");
	assert_allowed();
	configure("[receive]\nallow = 192.0.2.0/24\n");
	assert_allowed();
	add_addr("192.0.0.0/16");
	assert_refused("192.0.0.0/16");
	scope.all = true;
	assert_refused("not the whole host");
	nse_scope_release(&scope);
	assert_refused("no domain");
}

/* Both hosts have the same patterns, and the source has used them. */
static void test_same_patterns(void **state)
{
	(void)state;
	configure("[nft]\ntables = inet:vm-%n\nchains = inet:filter:%v-in\n"
		  "[domain web1]\nchains = ip:nat:special\n"
		  "[domain web2]\nchains = ip:nat:other\n");
	nse_scope_add_table(&scope, "?inet:vm-web1", NULL);
	nse_scope_add_chain(&scope, "?inet:filter:vif5.0-in", NULL);
	nse_scope_add_chain(&scope, "ip:nat:special", NULL);
	assert_allowed();
	nse_scope_add_chain(&scope, "?ip:nat:other", NULL);
	assert_refused("the chain 'ip:nat:other'");
}

static void test_selectors_refused(void **state)
{
	(void)state;
	configure("[nft]\ntables = inet:vm-%n\n");
	nse_scope_add_table(&scope, "inet:vm-web2", NULL);
	assert_refused("the table 'inet:vm-web2'");
	configure("");
	assert_refused("[receive] allow-nft");
	configure("[receive]\nallow-nft = inet:vm-web2, ip:nat:%i\n");
	assert_allowed();
	nse_scope_add_chain(&scope, "ip:nat:5", NULL);
	assert_allowed();
	nse_scope_add_chain(&scope, "ip:nat:6", NULL);
	assert_refused("the chain 'ip:nat:6'");
}

/* A name that makes another selector out of a pattern. */
static void test_names(void **state)
{
	(void)state;
	configure("[nft]\nchains = inet:filter:%n\n");
	snprintf(scope.domain.name, sizeof(scope.domain.name), "a:b");
	nse_scope_add_chain(&scope, "inet:filter:a", NULL);
	assert_true(nse_policy_scope(&config, &scope, &err) < 0);
	snprintf(scope.domain.name, sizeof(scope.domain.name), "%%n");
	assert_refused("'inet:filter:a'");
}

static void test_claims(void **state)
{
	(void)state;
	configure("[domain web1]\naddresses = 192.0.2.5\n"
		  "[domain web2]\naddresses = 192.0.2.6 2001:db8:6::/48\n");
	assert_int_equal(nse_policy_claims(&config, NULL, &scope, &err), 0);
	add_addr("192.0.2.0/29");
	assert_int_equal(nse_policy_claims(&config, NULL, &scope, &err), -EPERM);
	assert_string_equal(err.text,
			    "192.0.2.0/29 of the scope is another domain's on this host");
	scope.domain.naddrs = 1;
	add_addr("2001:db8:6::5");
	assert_int_equal(nse_policy_claims(&config, NULL, &scope, &err), -EPERM);
	/* Another one's uuid makes nobody the other one. */
	scope.domain.naddrs = 1;
	config.domains[1].domain.vifs = calloc(1, sizeof(struct nse_vif));
	config.domains[1].domain.nvifs = 1;
	snprintf(config.domains[1].domain.vifs[0].name, IFNAMSIZ, "vif5.0");
	assert_int_equal(nse_policy_claims(&config, NULL, &scope, &err), 0);
	snprintf(config.domains[1].domain.vifs[0].mac, 18, "00:16:3e:00:00:05");
	snprintf(scope.domain.uuid, sizeof(scope.domain.uuid), "u");
	snprintf(config.domains[1].domain.uuid, sizeof(scope.domain.uuid), "u");
	assert_int_equal(nse_policy_claims(&config, NULL, &scope, &err), -EPERM);
	assert_non_null(strstr(err.text, "00:16:3e:00:00:05"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_patterns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_selectors_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_claims, setup, teardown),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
