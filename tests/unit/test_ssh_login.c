/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opening a link over SSH: host keys, user keys, the agent, and each way to
 * be turned away.
 */
#include "tests/unit/sshd.h"

#define REQUIRE_SSHD()                                                                   \
	do {                                                                             \
		if (!sshd.pid)                                                           \
			skip();                                                          \
	} while (0)

static struct sshd sshd;

static int setup(void **state)
{
	(void)state;
	unsetenv("SSH_AUTH_SOCK");
	sshd_setup(&sshd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sshd_teardown(&sshd);
	return 0;
}

static void expect_hello(const struct nse_link_spec *spec)
{
	struct nse_link link = open_link(spec);

	assert_string_equal(read_all(&link), "hello\n");
	assert_int_equal(nse_link_finish(&link, soon()), 0);
}

static void expect_refusal(const struct nse_link_spec *spec, int code,
			   const char *const *texts)
{
	struct nse_error err = { 0 };
	struct nse_link link;
	int rc = nse_link_open(&link, spec, &err);

	assert_int_equal(rc, code);
	assert_int_equal(err.code, code);
	assert_int_equal(link.fd, -1);
	for (; *texts; texts++)
		if (!strstr(err.text, *texts) && !strstr(err.advice, *texts))
			fail_msg("'%s' is not in: %s", *texts, err.text);
}

#define EXPECT_REFUSAL(spec, code, ...)                                                  \
	expect_refusal(spec, code, (const char *[]){ __VA_ARGS__, NULL })

/* A user's key that the server is told of, or not. */
static char *user_key(const char *name, const char *type, const char *passphrase,
		      bool allow)
{
	char *path = in_dir(&sshd, name);
	char pub[200];

	make_key(path, type, passphrase);
	snprintf(pub, sizeof(pub), "%s.pub", path);
	if (allow)
		append_file(pub, in_dir(&sshd, "authorized"));
	return path;
}

static void logs_in_with_files(void **state)
{
	struct nse_link_spec spec;

	(void)state;
	REQUIRE_SSHD();
	spec = sshd_spec(&sshd, "echo");
	spec.remote_args = "hello";
	expect_hello(&spec);
	spec.identity = user_key("id_ecdsa", "ecdsa", "", true);
	expect_hello(&spec);
}

static void login_refused(void **state)
{
	struct nse_link_spec spec;

	(void)state;
	REQUIRE_SSHD();
	spec = sshd_spec(&sshd, "echo hello");
	spec.identity = user_key("id_stranger", "ed25519", "", false);
	EXPECT_REFUSAL(&spec, -EACCES, "127.0.0.1", "root", "publickey", spec.identity,
		       "--identity");
	spec.identity = user_key("id_locked", "ed25519", "secret", true);
	EXPECT_REFUSAL(&spec, -EACCES, spec.identity, "passphrase", "ssh-add");
	spec.identity = user_key("id_rsa", "rsa", "", true);
	EXPECT_REFUSAL(&spec, -EACCES, spec.identity, "RSA", "--rsh ssh");
	spec.identity = in_dir(&sshd, "absent");
	EXPECT_REFUSAL(&spec, -EACCES, spec.identity, "No such file");
	spec.identity = in_dir(&sshd, "known_hosts");
	EXPECT_REFUSAL(&spec, -EACCES, spec.identity, "not a private key");
}

static void logs_in_with_pem(void **state)
{
	struct nse_link_spec spec;
	char *path;

	(void)state;
	REQUIRE_SSHD();
	path = user_key("id_pem", "ecdsa", "", true);
	free(must_run((char *[]){ "ssh-keygen", "-q", "-p", "-N", "", "-m", "PEM", "-f",
				  path, NULL },
		      NULL));
	spec = sshd_spec(&sshd, "echo hello");
	spec.identity = path;
	expect_hello(&spec);
}

/* ssh-add reads a passphrase from a program only. */
static void add_to_agent(const char *key)
{
	char *askpass = in_dir(&sshd, "askpass");

	write_file(askpass, "#!/bin/sh\necho secret\n");
	chmod(askpass, 0700);
	setenv("SSH_ASKPASS", askpass, 1);
	setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	free(must_run((char *[]){ "ssh-add", "-q", (char *)key, NULL }, NULL));
}

static pid_t agent_start(void)
{
	char *sock = in_dir(&sshd, "agent");
	int64_t deadline = soon();
	pid_t pid = nse_spawn(
		&(struct nse_spawn){ (char *[]){ "ssh-agent", "-D", "-a", sock, NULL },
				     -1, open("/dev/null", O_WRONLY | O_CLOEXEC), -1,
				     false },
		NULL);

	assert_true(pid > 0);
	while (access(sock, F_OK) < 0) {
		assert_true(nse_now_us() < deadline);
		assert_int_equal(nse_wait_child(pid, nse_now_us() + 10000), -ETIMEDOUT);
	}
	setenv("SSH_AUTH_SOCK", sock, 1);
	return pid;
}

static void logs_in_with_agent(void **state)
{
	struct nse_link_spec spec;
	pid_t agent;

	(void)state;
	REQUIRE_SSHD();
	agent = agent_start();
	spec = sshd_spec(&sshd, "echo hello");
	add_to_agent(user_key("id_rsa2", "rsa", "", true));
	add_to_agent(user_key("id_other", "ed25519", "", false));
	spec.identity = NULL;
	EXPECT_REFUSAL(&spec, -EACCES, "RSA", "of the agent", "tried: ");
	/* The locked key's public half names it among the agent's. */
	spec.identity = user_key("id_locked2", "ed25519", "secret", true);
	add_to_agent(spec.identity);
	expect_hello(&spec);
	spec.identity = NULL;
	expect_hello(&spec);
	add_to_agent(user_key("id_agent_ecdsa", "ecdsa", "", true));
	spec.identity = in_dir(&sshd, "id_agent_ecdsa");
	expect_hello(&spec);
	nse_stop_child(agent, 5000000);
	unlink(getenv("SSH_AUTH_SOCK"));
	unsetenv("SSH_AUTH_SOCK");
}

/* An agent that takes the question and never answers: the file does it alone. */
static void silent_agent(void **state)
{
	struct nse_link_spec spec;
	pid_t agent;

	(void)state;
	REQUIRE_SSHD();
	agent = agent_start();
	kill(agent, SIGSTOP);
	spec = sshd_spec(&sshd, "echo hello");
	spec.connect_timeout_us = 10000000;
	expect_hello(&spec);
	spec.identity = in_dir(&sshd, "id_stranger");
	EXPECT_REFUSAL(&spec, -EACCES, "agent at", "timed out");
	kill(agent, SIGCONT);
	nse_stop_child(agent, 5000000);
	unsetenv("SSH_AUTH_SOCK");
}

static void host_unknown(void **state)
{
	struct nse_link_spec spec;
	NSE_FREE char *print = NULL;
	char *sha;

	(void)state;
	REQUIRE_SSHD();
	spec = sshd_spec(&sshd, "echo hello");
	spec.known_hosts = in_dir(&sshd, "empty");
	write_file(spec.known_hosts,
		   "# nobody\n\n@cert-authority * ssh-ed25519 AAAA\nx y\n");
	print = must_run((char *[]){ "ssh-keygen", "-l", "-f",
				     in_dir(&sshd, "host_ed25519"), NULL },
			 NULL);
	sha = strstr(print, "SHA256:");
	sha[strcspn(sha, " ")] = '\0';
	EXPECT_REFUSAL(&spec, -EKEYREJECTED, sha, "ssh-keyscan", "--known-hosts",
		       spec.known_hosts);
	spec.known_hosts = in_dir(&sshd, "absent");
	EXPECT_REFUSAL(&spec, -ENOENT, spec.known_hosts);
}

static void host_changed(void **state)
{
	struct nse_link_spec spec;
	NSE_FREE char *pub = NULL;

	(void)state;
	REQUIRE_SSHD();
	spec = sshd_spec(&sshd, "echo hello");
	spec.known_hosts = in_dir(&sshd, "changed");
	write_known(&sshd, spec.known_hosts, "id_ed25519"); /* any other key */
	EXPECT_REFUSAL(&spec, -EKEYREJECTED, "SHA256:", "ssh-keygen", "line 1");
	pub = public_key(in_dir(&sshd, "host_ed25519"));
	write_file(spec.known_hosts, "* %s\n@revoked * %s\n", pub, pub);
	EXPECT_REFUSAL(&spec, -EKEYREJECTED, "@revoked", "line 2");
	/* the right key under another port, or excluded by a pattern */
	write_file(spec.known_hosts, "127.0.0.1 %s\n[127.0.0.1]:1 %s\n!*,* %s\n", pub,
		   pub, pub);
	EXPECT_REFUSAL(&spec, -EKEYREJECTED, "not known");
}

static void host_known_forms(void **state)
{
	struct nse_link_spec spec;
	NSE_FREE char *pub = NULL, *rsa = NULL;
	char *hashed;

	(void)state;
	REQUIRE_SSHD();
	spec = sshd_spec(&sshd, "echo hello");
	hashed = in_dir(&sshd, "hashed");
	spec.known_hosts = hashed;
	write_known(&sshd, hashed, "host_ed25519");
	free(must_run((char *[]){ "ssh-keygen", "-q", "-H", "-f", hashed, NULL }, NULL));
	expect_hello(&spec);
	pub = public_key(in_dir(&sshd, "host_ed25519"));
	write_file(hashed, "other,[127.0.*]:%d %s comment\n", sshd.port, pub);
	expect_hello(&spec);
	/* Only the ECDSA key is known: that is what the server is asked for. */
	write_known(&sshd, hashed, "host_ecdsa");
	expect_hello(&spec);
	rsa = public_key(in_dir(&sshd, "id_rsa"));
	write_file(hashed, "[127.0.0.1]:%d %s\n", sshd.port, rsa);
	EXPECT_REFUSAL(&spec, -EKEYREJECTED, "ssh-rsa", "not known");
}

static void host_by_ipv6(void **state)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	NSE_CLOSE int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	NSE_FREE char *pub = NULL;
	struct nse_link_spec spec;
	char target[64];

	(void)state;
	REQUIRE_SSHD();
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		skip(); /* no IPv6 here */
	spec = sshd_spec(&sshd, "echo hello");
	snprintf(target, sizeof(target), "root@[::1]:%d", sshd.port);
	assert_int_equal(nse_target_parse(target, &spec.target, NULL), 0);
	EXPECT_REFUSAL(&spec, -EKEYREJECTED, "[::1]:");
	pub = public_key(in_dir(&sshd, "host_ed25519"));
	spec.known_hosts = in_dir(&sshd, "known6");
	write_file(spec.known_hosts, "[::1]:%d %s\n", sshd.port, pub);
	expect_hello(&spec);
}

/* The real ssh, with a configuration of ours. */
static void write_ssh_config(const char *more)
{
	char *bin = in_dir(&sshd, "bin"), *ssh = in_dir(&sshd, "bin/ssh");
	char *config = in_dir(&sshd, "ssh_config"), path[400];
	NSE_FREE char *pub = public_key(in_dir(&sshd, "host_ed25519"));

	mkdir(bin, 0755);
	write_file(ssh, "#!/bin/sh\nexec /usr/bin/ssh -F %s \"$@\"\n", config);
	chmod(ssh, 0755);
	write_file(in_dir(&sshd, "known_alias"), "the-alias %s\n", pub);
	write_file(
		config,
		"Host hostB\nHostName 127.0.0.1\nPort %d\nUser root\n"
		"IdentityFile %s/id_absent\nIdentityFile %s/id_%%r\n"
		"UserKnownHostsFile %s/none \"%s/known_alias\"\nHostKeyAlias the-alias\n%s",
		sshd.port, sshd.dir, sshd.dir, sshd.dir, sshd.dir, more);
	snprintf(path, sizeof(path), "%s:/usr/local/bin:/usr/bin:/bin", bin);
	setenv("PATH", path, 1);
}

static void ssh_config_read(void **state)
{
	struct nse_link_spec spec;
	NSE_FREE char *path = strdup(getenv("PATH"));

	(void)state;
	REQUIRE_SSHD();
	user_key("id_root", "ed25519", "", true);
	spec = sshd_spec(&sshd, "echo hello");
	spec.target = (struct nse_target){ .host = "hostB" };
	spec.identity = spec.known_hosts = NULL;
	write_ssh_config("");
	expect_hello(&spec);
	/* The command line wins. */
	spec.target.port = free_port();
	EXPECT_REFUSAL(&spec, -ECONNREFUSED, "127.0.0.1");
	spec.target.port = 0;
	spec.known_hosts = in_dir(&sshd, "known_hosts");
	EXPECT_REFUSAL(&spec, -EKEYREJECTED, "the-alias");
	write_ssh_config("ProxyJump other\n");
	EXPECT_REFUSAL(&spec, -EOPNOTSUPP, "proxy", "--rsh ssh");
	write_ssh_config("NoSuchOption x\n");
	EXPECT_REFUSAL(&spec, -EINVAL, "ssh -G hostB");
	setenv("PATH", "/nonexistent", 1); /* no ssh(1) at all */
	spec = sshd_spec(&sshd, "echo hello");
	expect_hello(&spec);
	setenv("PATH", path, 1);
}

static void host_out_of_reach(void **state)
{
	struct nse_link_spec spec;

	(void)state;
	REQUIRE_SSHD();
	spec = sshd_spec(&sshd, "echo hello");
	spec.target.port = free_port();
	EXPECT_REFUSAL(&spec, -ECONNREFUSED, "127.0.0.1", "Connection refused");
	spec.target.port = sshd.port;
	snprintf(spec.target.host, sizeof(spec.target.host), "no-such-host.invalid");
	EXPECT_REFUSAL(&spec, -EHOSTUNREACH, "no-such-host.invalid");
}

/* A listener that never accepts: connected, and then silence. */
static void server_silent(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	NSE_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);
	struct nse_link_spec spec;

	(void)state;
	REQUIRE_SSHD();
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	spec = sshd_spec(&sshd, "echo hello");
	spec.target.port = ntohs(a.sin_port);
	spec.connect_timeout_us = 1500000;
	EXPECT_REFUSAL(&spec, -ETIMEDOUT, "the key exchange");
}

/* The limits of the server: no program, old algorithms only, too many keys. */
static void server_limits(void **state)
{
	struct nse_link_spec spec;

	(void)state;
	REQUIRE_SSHD();
	spec = sshd_spec(&sshd, "echo hello");
	sshd_stop(&sshd);
	sshd_start(&sshd, "MaxSessions 0\n");
	EXPECT_REFUSAL(&spec, -EACCES, "channel");
	sshd_stop(&sshd);
	sshd_start(&sshd, "Ciphers aes128-gcm@openssh.com\n");
	EXPECT_REFUSAL(&spec, -EPROTO, "in common", "--rsh ssh");
	sshd_stop(&sshd);
	sshd_start(&sshd, "PubkeyAuthentication no\n");
	EXPECT_REFUSAL(&spec, -EACCES, "does not let root log in");
	sshd_stop(&sshd);
	sshd_start(&sshd, "MaxAuthTries 1\n");
	spec.identity = in_dir(&sshd, "id_stranger");
	EXPECT_REFUSAL(&spec, -EACCES, "id_stranger");
	sshd_stop(&sshd);
	sshd_start(&sshd, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logs_in_with_files),
		cmocka_unit_test(login_refused),
		cmocka_unit_test(logs_in_with_pem),
		cmocka_unit_test(logs_in_with_agent),
		cmocka_unit_test(silent_agent),
		cmocka_unit_test(host_unknown),
		cmocka_unit_test(host_changed),
		cmocka_unit_test(host_known_forms),
		cmocka_unit_test(host_by_ipv6),
		cmocka_unit_test(ssh_config_read),
		cmocka_unit_test(host_out_of_reach),
		cmocka_unit_test(server_silent),
		cmocka_unit_test(server_limits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup, teardown);
}
