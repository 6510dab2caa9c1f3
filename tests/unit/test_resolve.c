/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scopes out of platform and configuration: what the patterns select, and what
 * belongs to other domains. The platform is the script one, with real scripts.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/scope/resolve.h"
#include "lib/util/cleanup.h"

static char conf_path[] = "/tmp/nsemig-resolve.XXXXXX";
static char program[] = "/tmp/nsemig-resolve.XXXXXX";
static struct nse_config config;
static struct nse_platform *platform;
static struct nse_scope scope;
static struct nse_error err;

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void configure(const char *text)
{
	nse_config_release(&config);
	write_file(conf_path, text);
	setenv("NSEMIG_CONFIG", conf_path, 1);
	if (nse_config_load(&config, &err) < 0)
		fail_msg("%s", err.text);
}

/*
 * Three domains: web1; web2, of which the list has the name alone; and the copy
 * of web1 that is arriving.
 */
static void start_platform(void)
{
	write_file(
		program,
		"#!/bin/sh\n"
		"web1='\"name\":\"web1\",\"uuid\":\"00000000-0000-0000-0000-000000000001\"'\n"
		"vif() { echo \"\\\"vifs\\\":[{\\\"name\\\":\\\"$1\\\",\\\"mac\\\":\\\"$2\\\"}]\"; }\n"
		"one=$(vif vif1.0 00:16:3e:00:00:01)\n"
		"two=$(vif vif2.0 00:16:3e:00:00:02)\n"
		"new=$(vif vif3.0 00:16:3e:00:00:01)\n"
		"d1=\"{$web1,\\\"id\\\":1,$one,\\\"addresses\\\":[\\\"10.0.0.1\\\"]}\"\n"
		"d2=\"{\\\"name\\\":\\\"web2\\\",\\\"id\\\":2,$two,\\\"addresses\\\":[\\\"10.0.0.2\\\"]}\"\n"
		"case $1,$2 in\n"
		"list,) echo \"[$d1,\\\"web2\\\",{\\\"name\\\":\\\"web1--incoming\\\",\"\n"
		"\techo \"\\\"uuid\\\":\\\"00000000-0000-0000-0000-000000000001\\\",$new,\"\n"
		"\techo \"\\\"addresses\\\":[\\\"10.0.0.1\\\"]}]\" ;;\n"
		"describe,web1) echo \"$d1\" ;;\n"
		"describe,web2) echo \"$d2\" ;;\n"
		"*) exit 1 ;;\nesac\n");
	assert_int_equal(chmod(program, 0700), 0);
	if (nse_platform_script_open(&platform, program, &err) < 0)
		fail_msg("%s", err.text);
}

static int setup(void **state)
{
	(void)state;
	memset(&err, 0, sizeof(err));
	nse_scope_init(&scope);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	nse_scope_release(&scope);
	nse_config_release(&config);
	nse_platform_close(platform);
	platform = NULL;
	return 0;
}

static void resolve(const char *domain, const struct nse_scope *given)
{
	if (nse_scope_resolve(&config, platform, domain, given, &scope, &err) < 0)
		fail_msg("%s", err.text);
}

static void test_others(void **state)
{
	char text[NSE_ADDR_STR];

	(void)state;
	start_platform();
	configure("[domain web2]\naddresses = 10.0.0.22\nvifs = tap2\n"
		  "[domain web9]\naddresses = 10.0.0.9\n");
	resolve("web1", NULL);
	assert_string_equal(scope.domain.name, "web1");
	assert_int_equal(scope.others.nvifs, 2);
	assert_string_equal(scope.others.vifs[0].name, "tap2");
	assert_string_equal(scope.others.vifs[1].name, "vif2.0");
	assert_string_equal(scope.others.vifs[1].mac, "00:16:3e:00:00:02");
	assert_int_equal(scope.others.naddrs, 2);
	assert_string_equal(nse_addr_format(&scope.others.addrs[0], text), "10.0.0.22");
	assert_string_equal(nse_addr_format(&scope.others.addrs[1], text), "10.0.0.2");
}

/* Without a platform those live here that are configured. */
static void test_configured_others(void **state)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope given;
	struct nse_addr addr;

	(void)state;
	configure("[domain web1]\naddresses = 10.0.0.1\nvifs = vif1.0\n"
		  "[domain web2]\naddresses = 10.0.0.2, 10.0.0.1\nvifs = vif2.0\n");
	resolve("web1", NULL);
	assert_true(scope.others.nvifs == 1 && scope.others.naddrs == 1);
	assert_string_equal(scope.others.vifs[0].name, "vif2.0");
	/* Nameless: whose the address is. */
	nse_scope_init(&given);
	assert_int_equal(nse_addr_parse("10.0.0.2", &addr, NULL), 0);
	assert_int_equal(nse_domain_add_addr(&given.domain, &addr), 0);
	resolve(NULL, &given);
	assert_int_equal(scope.others.nvifs, 1);
	assert_string_equal(scope.others.vifs[0].name, "vif1.0");
	given.all = true;
	resolve(NULL, &given);
	assert_int_equal(scope.others.nvifs, 0);
}

static void test_patterns(void **state)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope given;

	(void)state;
	start_platform();
	configure("[nft]\ntables = inet:vm-%n, ip:vm-%u\n"
		  "chains = inet:filter:%v-in, inet:filter:d%i-100%%\n"
		  "[domain web1]\nchains = ip:nat:%n\nvifs = eth7\n");
	nse_scope_init(&given);
	assert_int_equal(nse_scope_add_table(&given, "inet:vm-web1", NULL), 0);
	given.carry_shared = true;
	resolve("web1", &given);
	assert_true(scope.carry_shared);
	assert_int_equal(scope.ntables, 2);
	assert_string_equal(scope.tables[0], "inet:vm-web1"); /* asked for by name */
	assert_string_equal(scope.tables[1],
			    "?ip:vm-00000000-0000-0000-0000-000000000001");
	assert_int_equal(scope.nchains, 4);
	assert_string_equal(scope.chains[0], "?inet:filter:vif1.0-in");
	assert_string_equal(scope.chains[1], "?inet:filter:eth7-in");
	assert_string_equal(scope.chains[2], "?inet:filter:d1-100%");
	assert_string_equal(scope.chains[3], "?ip:nat:web1");
}

/* What is not known gives nothing; a name that fits nowhere is told. */
static void test_patterns_without_values(void **state)
{
	(void)state;
	configure("[nft]\ntables = ip:vm-%u, ip:vm-%i\nchains = ip:a:%v\n"
		  "[domain web1]\naddresses = 10.0.0.1\n"
		  "[domain a:b]\naddresses = 10.0.0.2\ntables = ip:vm-%n\n");
	resolve("web1", NULL);
	assert_true(scope.ntables == 0 && scope.nchains == 0);
	assert_int_equal(nse_scope_resolve(&config, NULL, "a:b", NULL, &scope, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "'ip:vm-%n'"));
	assert_true(nse_scope_empty(&scope));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_configured_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_patterns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_patterns_without_values, setup,
						teardown),
	};
	int a = mkstemp(conf_path), b = mkstemp(program), failed;

	if (a < 0 || b < 0)
		return 1;
	close(a);
	close(b);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(conf_path);
	unlink(program);
	return failed;
}
