/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration file: what it takes, and that what it does not take is
 * refused with file and line.
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

#include "lib/util/config.h"

static char path[] = "/tmp/nsemig-test-config.XXXXXX";

static int load(const char *text, struct nse_config *c, struct nse_error *err)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	fclose(f);
	setenv("NSEMIG_CONFIG", path, 1);
	memset(err, 0, sizeof(*err));
	return nse_config_load(c, err);
}

static void test_everything(void **state)
{
	const struct nse_domain_config *d;
	char text[NSE_ADDR_STR];
	struct nse_config c;
	struct nse_error err;

	(void)state;
	assert_int_equal(load("# a comment\n"
			      "[nsemig]\n"
			      "platform = script:/usr/libexec/lab\n"
			      "state-dir = /run/other\n"
			      "\n"
			      "[receive]\n"
			      "allow = 192.0.2.0/24, 2001:db8::/32\n"
			      "[domain web1]\n"
			      "addresses = 192.0.2.1 2001:db8::1\n"
			      "    192.0.2.2\n"
			      "vifs = vif1.0\n"
			      "zones = 7, 65535\n"
			      "[domain db]\n"
			      "zones = 0\n",
			      &c, &err),
			 0);
	assert_string_equal(c.platform, "script:/usr/libexec/lab");
	assert_string_equal(c.state_dir, "/run/other");
	assert_int_equal(c.nallow, 2);
	assert_string_equal(nse_addr_format(&c.allow[1], text), "2001:db8::/32");
	assert_int_equal(c.ndomains, 2);
	d = nse_config_domain(&c, "web1");
	assert_non_null(d);
	assert_int_equal(d->domain.naddrs, 3);
	assert_string_equal(nse_addr_format(&d->domain.addrs[2], text), "192.0.2.2");
	assert_int_equal(d->domain.nvifs, 1);
	assert_string_equal(d->domain.vifs[0].name, "vif1.0");
	assert_int_equal(d->nzones, 2);
	assert_int_equal(d->zones[1], 65535);
	assert_null(nse_config_domain(&c, "web"));
	nse_config_release(&c);
}

static void test_patterns(void **state)
{
	const struct nse_domain_config *d;
	struct nse_config c;
	struct nse_error err;

	(void)state;
	assert_int_equal(load("[nft]\n"
			      "tables = inet:vm-%n, netdev:vm-%u\n"
			      "chains = inet:filter:%v-in inet:filter:%v-out\n"
			      "  bridge:b:100%%-%i\n"
			      "[receive]\n"
			      "allow-nft = ip:nat, ip:nat:%n\n"
			      "[domain web1]\n"
			      "tables = ip:special\n"
			      "chains = ip:nat:special\n",
			      &c, &err),
			 0);
	assert_int_equal(c.nft.ntables, 2);
	assert_string_equal(c.nft.tables[1], "netdev:vm-%u");
	assert_int_equal(c.nft.nchains, 3);
	assert_string_equal(c.nft.chains[2], "bridge:b:100%%-%i");
	assert_int_equal(c.allow_nft.ntables, 1);
	assert_string_equal(c.allow_nft.chains[0], "ip:nat:%n");
	d = nse_config_domain(&c, "web1");
	assert_non_null(d);
	assert_string_equal(d->nft.tables[0], "ip:special");
	assert_string_equal(d->nft.chains[0], "ip:nat:special");
	nse_config_release(&c);
}

static void test_defaults(void **state)
{
	struct nse_config c;
	struct nse_error err;

	(void)state;
	assert_int_equal(load("", &c, &err), 0);
	assert_string_equal(c.platform, "");
	assert_string_equal(c.state_dir, NSE_STATE_DIR_DEFAULT);
	assert_int_equal(c.ndomains, 0);
	nse_config_release(&c);
}

static void test_missing_file(void **state)
{
	struct nse_error err = { 0 };
	struct nse_config c;

	(void)state;
	setenv("NSEMIG_CONFIG", "/nonexistent/nsemig.conf", 1);
	assert_int_equal(nse_config_load(&c, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/nsemig.conf"));
	nse_config_release(&c);
}

/* What is refused, with the line and a word of what is said. */
static const struct {
	const char *text, *line, *word;
} refused[] = {
	{ "[nsemig]\nplatform = kvm\n", ":2:", "kvm" },
	{ "[nsemig]\nplatform = script:\n", ":2:", "script:" },
	{ "[nsemig]\n\nstate-dir = run\n", ":3:", "absolute" },
	{ "[nsemig]\nfoo = 1\n", ":2:", "foo" },
	{ "[nsemig]\nplatfrom = xen\n", ":2:", "did you mean 'platform'" },
	{ "[nsemig]\ntextfile = /x\n", ":2:", "belongs to [metrics]" },
	{ "platform = xen\n", ":1:", "before any [SECTION]" },
	{ "[nsemigx]\nplatform = xen\n", ":1:", "did you mean [nsemig]" },
	{ "[nothing]\n", ":1:", "unknown section [nothing]" },
	{ "[nft web1]\n", ":1:", "takes no name" },
	{ "[domain]\nzones = 1\n", ":1:", "no name" },
	{ "[domain ]\nzones = 1\n", ":1:", "no name" },
	{ "[domain a]\nzone = 1\n", ":2:", "did you mean 'zones'" },
	{ "[domain a]\ntimeout = 0\n", ":2:", "from 1 to 3600" },
	{ "[domain a]\nreceive = maybe\n", ":2:", "yes, no" },
	{ "[migrate]\nanchor = here\n", ":2:", "same, first, last" },
	{ "[migrate]\ntimeout = 1s\n", ":2:", "1s" },
	{ "[snapshot]\nkeep = -1\n", ":2:", "-1" },
	{ "[remote]\nidentity = id_rsa\n", ":2:", "absolute" },
	{ "[remote]\nuser = -oProxyCommand\n", ":2:", "-oProxyCommand" },
	{ "[host b]\nrsh =\n", ":2:", "no value" },
	{ "[host b]\nport = 65536\n", ":2:", "65536" },
	{ "[log]\nto = file\n", ":2:", "journal" },
	{ "[nsemig]\nplatform = xen\nplatform = xen\n", ":3:", "in line 2" },
	{ "[domain a]\nzones = 1\n[domain b]\nzones = 1\n[domain a]\nzones = 2\n",
	  ":6:", "in line 2" },
	{ "[nsemig]\nplatform = xen\n  script:/x\n", ":3:", "takes one value" },
	{ "[domain a]\nzones = 1 65536\n", ":2:", "65536" },
	{ "[domain a]\nzones = -1\n", ":2:", "-1" },
	{ "[domain a]\naddresses = 192.0.2.1\n  192.0.2.256\n", ":3:", "256" },
	{ "[domain a]\nvifs = a/b\n", ":2:", "a/b" },
	{ "[receive]\nallow = any\n", ":2:", "any" },
	{ "[receive]\nallow\n", ":2:", "expected" },
	{ "[receive]\nallow-nft = inet\n", ":2:", "'inet'" },
	{ "[receive]\naccept = 1\n", ":2:", "allow-nft" },
	{ "[nft]\ntables = ipx:a\n", ":2:", "ipx:a" },
	{ "[nft]\ntables = inet:a:b\n", ":2:", "FAMILY:TABLE" },
	{ "[nft]\ntables = inet:%x\n", ":2:", "%n" },
	{ "[nft]\ntables = inet:%\n", ":2:", "inet:%" },
	{ "[nft]\nchains = %n:a:b\n", ":2:", "%n:a:b" },
	{ "[nft]\nchains = inet:a\n", ":2:", "CHAIN" },
	{ "[nft]\nsets = inet:a\n", ":2:", "'sets'" },
	{ "[domain a]\ntables = a\n", ":2:", "'a'" },
	{ "[domain a]\nchains = ip:a\n", ":2:", "'ip:a'" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct nse_error err;
		struct nse_config c;

		assert_int_equal(load(refused[i].text, &c, &err), -EINVAL);
		assert_non_null(strstr(err.text, path));
		assert_non_null(strstr(err.text, refused[i].line));
		assert_non_null(strstr(err.text, refused[i].word));
		nse_config_release(&c);
	}
}

static void test_lookup(void **state)
{
	const struct nse_config_value *v;
	struct nse_config c;
	struct nse_error err;

	(void)state;
	assert_int_equal(load("[remote]\n"
			      "user = root\n"
			      "identity = /etc/nsemig/id\n"
			      "[host b.example]\n"
			      "port = 2222\n"
			      "identity = /etc/nsemig/id_b\n"
			      "[domain web.1]\n"
			      "timeout = 5\n"
			      "zones = 1,2\n"
			      "\n"
			      "  3 ; a comment\n"
			      "[nsemig]\n"
			      "state-dir = /x ; another\n",
			      &c, &err),
			 0);
	assert_string_equal(nse_config_of(&c, "host", "b.example", "remote", "identity"),
			    "/etc/nsemig/id_b");
	assert_string_equal(nse_config_of(&c, "host", "b.example", "remote", "user"),
			    "root");
	assert_string_equal(nse_config_of(&c, "host", "a", "remote", "identity"),
			    "/etc/nsemig/id");
	assert_null(nse_config_of(&c, "host", "a", "remote", "port"));
	assert_string_equal(nse_config_of(&c, "domain", "web.1", "migrate", "timeout"),
			    "5");
	assert_string_equal(nse_config_of(&c, "domain", "db", "migrate", "timeout"),
			    "30");
	v = nse_config_find(&c, "domain", "web.1", "zones");
	assert_non_null(v);
	assert_string_equal(v->text, "1, 2, 3");
	assert_int_equal(v->line, 9);
	assert_string_equal(v->file, path);
	assert_string_equal(c.state_dir, "/x");
	assert_null(nse_config_find(&c, "domain", "web.1", "vifs"));
	assert_null(nse_config_find(&c, "domain", "web", "zones"));
	assert_null(nse_config_key("domain", "platform"));
	nse_config_release(&c);
}

static void count(void *arg, const char *text)
{
	char *all = arg;
	size_t n = strlen(all);

	snprintf(all + n, 2048 - n, "%s\n", text);
}

/* Each error of a file is told, not the first one alone. */
static void test_check(void **state)
{
	char all[2048] = "";
	struct nse_config c;
	struct nse_error err;

	(void)state;
	assert_int_equal(load("[nsemig]\nplatfrom = xen\nstate-dir = x\n[nothing]\n"
			      "a = b\n[migrate]\ntimeout = 5\n[nft]\ntables = a, b\n",
			      &c, &err),
			 -EINVAL);
	assert_int_equal(nse_config_check(path, count, all, &err), 4);
	assert_non_null(strstr(all, ":2: unknown key"));
	assert_non_null(strstr(all, ":3: 'x' is not"));
	assert_non_null(strstr(all, ":4: unknown section"));
	assert_non_null(strstr(all, ":9: 'a' is not"));
	assert_int_equal(nse_config_check("/nonexistent", count, all, &err), -ENOENT);
	load("[migrate]\ntimeout = 5\n", &c, &err);
	nse_config_release(&c);
	assert_int_equal(nse_config_check(path, count, all, &err), 0);
}

/* Its commands are run as root. */
static void test_writable(void **state)
{
	struct nse_config c;
	struct nse_error err;

	(void)state;
	assert_int_equal(load("", &c, &err), 0);
	nse_config_release(&c);
	assert_int_equal(chmod(path, 0606), 0);
	assert_int_equal(nse_config_load(&c, &err), -EPERM);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(chmod(path, 0600), 0);
	setenv("NSEMIG_CONFIG", "/dev/null", 1);
	assert_int_equal(nse_config_load(&c, &err), 0);
	nse_config_release(&c);
}

/* inih would cut these in two, or cut the name, without a word. */
static void test_too_long(void **state)
{
	static const char head[] = "[domain a]\naddresses =";
	struct nse_config c;
	struct nse_error err;
	char text[1024];
	size_t n;

	(void)state;
	n = (size_t)snprintf(text, sizeof(text), "%s", head);
	for (int i = 0; i < 60; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " 10.0.0.1");
	snprintf(text + n, sizeof(text) - n, "\n");
	assert_int_equal(load(text, &c, &err), -EINVAL);
	assert_non_null(strstr(err.text, ":2: the line is too long"));
	assert_int_equal(
		load("[domain aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n"
		     "zones = 1\n",
		     &c, &err),
		-EINVAL);
	assert_non_null(strstr(err.text, ":1: the section's name is too long"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything), cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_defaults),   cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_check),	   cmocka_unit_test(test_writable),
		cmocka_unit_test(test_too_long),
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
