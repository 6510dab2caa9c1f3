/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * [USER@]HOST[:PORT], commands cut into words, base64, and what can be told
 * of a private key.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/transport/base64.h"
#include "lib/transport/keyfile.h"
#include "lib/transport/transport.h"
#include "lib/transport/words.h"
#include "lib/util/cleanup.h"

static void target_accepts(void **state)
{
	static const struct {
		const char *text, *user, *host;
		int port;
	} good[] = {
		{ "hostB", "", "hostB", 0 },
		{ "root@hostB", "root", "hostB", 0 },
		{ "a.b-c_d.example:2222", "", "a.b-c_d.example", 2222 },
		{ "me@192.0.2.1:65535", "me", "192.0.2.1", 65535 },
		{ "[2001:db8::1]", "", "2001:db8::1", 0 },
		{ "root@[2001:db8::1]:22", "root", "2001:db8::1", 22 },
		{ "root@[fe80::1%eth0]", "root", "fe80::1%eth0", 0 },
		{ "me@corp.example@hostB", "me@corp.example", "hostB", 0 },
	};
	struct nse_target t;

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(good); i++) {
		assert_int_equal(nse_target_parse(good[i].text, &t, NULL), 0);
		assert_string_equal(t.user, good[i].user);
		assert_string_equal(t.host, good[i].host);
		assert_int_equal(t.port, good[i].port);
	}
}

static void target_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"@",
		"@host",
		"root@",
		":22",
		"-oProxyCommand=x",
		"root@-x",
		"-l@host",
		"ho st",
		"host;x",
		"host/x",
		"$(x)",
		"host:",
		"host:0",
		"host:65536",
		"host:22x",
		"host:-1",
		"host: 22",
		"2001:db8::1",
		"[host]",
		"[2001:db8::1",
		"[2001:db8::1]22",
		"[2001:db8::1]:",
		"[]",
		"[-x]",
		"a`b`@host",
		"a b@host",
		"host\n",
		"[2001:db8::1]:22:23",
	};
	char longhost[400];
	struct nse_error err;
	struct nse_target t;

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(bad); i++) {
		err.text[0] = '\0';
		if (nse_target_parse(bad[i], &t, &err) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_non_null(strstr(err.text, bad[i]));
	}
	memset(longhost, 'a', sizeof(longhost));
	longhost[sizeof(longhost) - 1] = '\0';
	assert_int_equal(nse_target_parse(longhost, &t, &err), -EINVAL);
	longhost[300] = '@';
	assert_int_equal(nse_target_parse(longhost, &t, &err), -EINVAL);
}

static void check_words(const char *text, const char *const *want, size_t n)
{
	NSE_CLEANUP(nse_words_release) struct nse_words w = { 0 };

	assert_int_equal(nse_words_split(&w, text, NULL), 0);
	assert_int_equal(w.n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(w.argv[i], want[i]);
	assert_true(n == 0 || w.argv[n] == NULL);
}

static void words_split(void **state)
{
	(void)state;
	check_words("", NULL, 0);
	check_words("  \t ", NULL, 0);
	check_words("ssh -i key", (const char *[]){ "ssh", "-i", "key" }, 3);
	check_words("  ssh\t'a b' \"c \\\"d\\\" \\n\" e\\ f ''",
		    (const char *[]){ "ssh", "a b", "c \"d\" \\n", "e f", "" }, 5);
	check_words("a'b'\"c\"d $HOME `x` *",
		    (const char *[]){ "abcd", "$HOME", "`x`", "*" }, 4);
	check_words("'a\\' \\'", (const char *[]){ "a\\", "'" }, 2);
}

static void words_refused(void **state)
{
	NSE_CLEANUP(nse_words_release) struct nse_words w = { 0 };
	char many[2 * NSE_WORDS_MAX + 8];
	struct nse_error err;

	(void)state;
	assert_int_equal(nse_words_split(&w, "ssh 'a", &err), -EINVAL);
	nse_words_release(&w);
	assert_int_equal(nse_words_split(&w, "ssh \"a'", &err), -EINVAL);
	nse_words_release(&w);
	for (size_t i = 0; i < sizeof(many) - 1; i++)
		many[i] = i % 2 ? ' ' : 'a';
	many[sizeof(many) - 1] = '\0';
	assert_int_equal(nse_words_split(&w, many, &err), -E2BIG);
}

static void base64_both_ways(void **state)
{
	/* RFC 4648, section 10 */
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};
	uint8_t bin[16];
	char text[NSE_BASE64_ROOM(6)];

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(pairs); i++) {
		size_t n = strlen(pairs[i][0]);

		nse_base64_encode((const uint8_t *)pairs[i][0], n, text);
		assert_string_equal(text, pairs[i][1]);
		assert_int_equal(nse_base64_decode(text, strlen(text), bin, sizeof(bin)),
				 n);
		assert_memory_equal(bin, pairs[i][0], n);
	}
	assert_int_equal(nse_base64_decode("Zm9v\nYmFy-", 10, bin, sizeof(bin)), 6);
	assert_int_equal(nse_base64_decode("Zm9vYmFy", 8, bin, 4), 4);
}

static void check_key(const char *text, int rc, const char *type, bool encrypted)
{
	char path[] = "/tmp/nsemig-key-XXXXXX";
	NSE_CLOSE int fd = mkstemp(path);
	struct nse_keyfile k;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(nse_keyfile_read(path, &k), rc);
	unlink(path);
	if (rc == 0) {
		assert_string_equal(k.type, type);
		assert_int_equal(k.encrypted, encrypted);
	}
}

static void keyfile_formats(void **state)
{
	struct nse_keyfile k;

	(void)state;
	check_key("-----BEGIN RSA PRIVATE KEY-----\nMII\n", 0, "ssh-rsa", false);
	check_key("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", 0, "",
		  true);
	check_key("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII\n", 0, "", true);
	check_key("-----BEGIN PRIVATE KEY-----\nMII\n", 0, "", false);
	check_key("ssh-ed25519 AAAA public\n", -EINVAL, NULL, false);
	check_key("", -EINVAL, NULL, false);
	/* an OpenSSH key whose strings point behind its end */
	check_key("-----BEGIN OPENSSH PRIVATE KEY-----\n"
		  "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZf////8=\n",
		  -EINVAL, NULL, false);
	check_key("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb", -EINVAL, NULL, false);
	assert_int_equal(nse_keyfile_read("/nonexistent/key", &k), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(target_accepts),   cmocka_unit_test(target_refuses),
		cmocka_unit_test(words_split),	    cmocka_unit_test(words_refused),
		cmocka_unit_test(base64_both_ways), cmocka_unit_test(keyfile_formats),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
