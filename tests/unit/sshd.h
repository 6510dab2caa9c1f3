/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A real sshd on 127.0.0.1 with keys and configuration of its own, for tests
 * of SSH links. Everything lies in one temporary directory.
 */
#ifndef NSE_TESTS_SSHD_H
#define NSE_TESTS_SSHD_H

#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/util/proc.h"
#include "tests/unit/link_tests.h"

/*
 * libssh2 1.10 forgets a few bytes at each use of an ECDSA key and at each
 * renewed key exchange; sessions and channels that we forget still show.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:BN_new\nleak:libssh2_session_handshake\n"
	       "leak:libssh2_channel_read_ex\nleak:libssh2_channel_write_ex\n";
}

struct sshd {
	char dir[64];
	int port;
	pid_t pid;
	char key[96];	/* the user's Ed25519 key, which the server knows */
	char known[96]; /* known_hosts with the server's Ed25519 key */
};

/* dir/name in static memory; 32 may be in use at once. */
static inline char *in_dir(const struct sshd *d, const char *name)
{
	static char paths[32][160];
	static int next;
	char *p = paths[next++ % 32];

	snprintf(p, sizeof(paths[0]), "%s/%s", d->dir, name);
	return p;
}

/* Not inline: GCC 12 would see a pointer to `out` in what is returned. */
__attribute__((noinline, unused)) static char *must_run(char *const argv[],
							const char *input)
{
	struct nse_error err = { 0 };
	char *out = NULL;
	int rc = nse_run(argv, input, &out, 1 << 20, soon(), &err);

	if (rc != 0)
		fail_msg("%s: status %d %s", argv[0], rc, err.text);
	return out;
}

static inline void write_file(const char *path, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static inline void write_file(const char *path, const char *fmt, ...)
{
	FILE *f = fopen(path, "we");
	va_list ap;

	assert_non_null(f);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fclose(f);
}

/* The public half of a key file without its comment, owned by the caller. */
static inline char *public_key(const char *key)
{
	char *out = must_run((char *[]){ "ssh-keygen", "-y", "-P", "", "-f", (char *)key,
					 NULL },
			     NULL);
	char *type_end = strchr(out, ' ');

	assert_non_null(type_end);
	type_end[1 + strcspn(type_end + 1, " \n")] = '\0';
	return out;
}

static inline void make_key(const char *path, const char *type, const char *passphrase)
{
	free(must_run((char *[]){ "ssh-keygen", "-q", "-t", (char *)type, "-N",
				  (char *)passphrase, "-C", "test", "-f", (char *)path,
				  NULL },
		      NULL));
}

static inline void append_file(const char *from, const char *to)
{
	NSE_FREE char *text = must_run((char *[]){ "cat", (char *)from, NULL }, NULL);
	FILE *f = fopen(to, "ae");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static inline int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	NSE_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static inline bool port_answers(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	NSE_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
}

static inline void write_known(const struct sshd *d, const char *file, const char *key)
{
	NSE_FREE char *pub = public_key(in_dir(d, key));

	write_file(file, "[127.0.0.1]:%d %s\n", d->port, pub);
}

static inline void sshd_stop(struct sshd *d)
{
	if (d->pid > 0)
		nse_stop_child(d->pid, 5000000);
	d->pid = 0;
}

/* `more` is added to the configuration. */
static inline void sshd_start(struct sshd *d, const char *more)
{
	int64_t deadline = soon();
	int log;

	write_file(
		in_dir(d, "config"),
		"Port %d\nListenAddress 127.0.0.1\nListenAddress ::1\nHostKey %s\nHostKey %s\n"
		"AuthorizedKeysFile %s\nUsePAM no\nStrictModes no\nPidFile none\n"
		"PermitRootLogin yes\nLogLevel VERBOSE\n%s",
		d->port, in_dir(d, "host_ed25519"), in_dir(d, "host_ecdsa"),
		in_dir(d, "authorized"), more);
	log = open(in_dir(d, "log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	d->pid = nse_spawn(&(struct nse_spawn){ (char *[]){ "/usr/sbin/sshd", "-D", "-e",
							    "-f", in_dir(d, "config"),
							    NULL },
						-1, log, log, false },
			   NULL);
	close(log);
	assert_true(d->pid > 0);
	while (!port_answers(d->port)) {
		assert_true(nse_now_us() < deadline);
		assert_int_equal(nse_wait_child(d->pid, nse_now_us() + 20000),
				 -ETIMEDOUT);
	}
}

/* False when this machine cannot run the tests. */
static inline bool sshd_setup(struct sshd *d)
{
	*d = (struct sshd){ .dir = "/tmp/nsemig-sshd-XXXXXX" };
	if (geteuid() != 0 || access("/usr/sbin/sshd", X_OK) < 0)
		return false;
	mkdir("/run/sshd", 0755); /* sshd insists on it; its package makes it at boot */
	assert_non_null(mkdtemp(d->dir));
	d->port = free_port();
	snprintf(d->key, sizeof(d->key), "%s", in_dir(d, "id_ed25519"));
	snprintf(d->known, sizeof(d->known), "%s", in_dir(d, "known_hosts"));
	make_key(in_dir(d, "host_ed25519"), "ed25519", "");
	make_key(in_dir(d, "host_ecdsa"), "ecdsa", "");
	make_key(d->key, "ed25519", "");
	append_file(in_dir(d, "id_ed25519.pub"), in_dir(d, "authorized"));
	write_known(d, d->known, "host_ed25519");
	sshd_start(d, "");
	return true;
}

static inline void sshd_teardown(struct sshd *d)
{
	if (geteuid() != 0 || !strcmp(d->dir, "/tmp/nsemig-sshd-XXXXXX"))
		return;
	sshd_stop(d);
	free(must_run((char *[]){ "rm", "-rf", d->dir, NULL }, NULL));
}

static inline struct nse_link_spec sshd_spec(const struct sshd *d, const char *command)
{
	return (struct nse_link_spec){
		.target = { .host = "127.0.0.1", .user = "root", .port = d->port },
		.identity = d->key,
		.known_hosts = d->known,
		.remote_command = command,
		.connect_timeout_us = 60000000,
	};
}

static inline struct nse_link open_link(const struct nse_link_spec *spec)
{
	struct nse_error err = { 0 };
	struct nse_link link;

	if (nse_link_open(&link, spec, &err) < 0)
		fail_msg("%s", err.text);
	return link;
}

#endif
