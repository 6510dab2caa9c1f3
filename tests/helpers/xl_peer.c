/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Both ends of `xl migrate` without Xen: speaks the wire protocol byte for
 * byte, starts its remote shell as xl does, and keeps a log of what became of
 * the two copies of the domain. Faults are chosen by environment variables.
 *
 *   xl_peer migrate [OPTIONS] [-s SSHCMD] DOMAIN HOST   the source
 *   xl_peer migrate-receive                             the target
 *   xl_peer rsh HOST xl migrate-receive ...             the remote shell
 *
 * XL_PEER_MIB         size of the memory image (default 4)
 * XL_PEER_LOG         file that gets a line for each thing that happens
 * XL_PEER_SUSPEND_FD  descriptor that gets a byte when the guest is suspended
 * XL_PEER_SOURCE, XL_PEER_TARGET   fault of that end, see the tables below
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/platform/xl_wire.h"

#define MIB (1u << 20)

static const char *fault = "";

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *fmt, ...)
{
	const char *path = getenv("XL_PEER_LOG");
	char line[512];
	va_list ap;
	int fd, n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd >= 0) {
		if (write(fd, line, (size_t)n) != n)
			abort();
		close(fd);
	}
}

static bool put(int fd, const void *p, size_t n)
{
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		got = write(fd, (const char *)p + done, n - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

static bool get(int fd, void *p, size_t n)
{
	size_t done = 0;
	ssize_t got;

	while (done < n) {
		got = read(fd, (char *)p + done, n - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		done += (size_t)got;
	}
	return true;
}

static bool get_word(int fd, const char *word, size_t n)
{
	char buf[128];

	return get(fd, buf, n) && memcmp(buf, word, n) == 0;
}

static bool is(const char *name)
{
	return strcmp(fault, name) == 0;
}

static void die_if(const char *name)
{
	if (is(name))
		raise(SIGKILL);
}

static void sleep_ms(int ms)
{
	poll(NULL, 0, ms);
}

static uint64_t image_mib(void)
{
	const char *text = getenv("XL_PEER_MIB");

	return text ? strtoull(text, NULL, 10) : 4;
}

/* Block i of the memory image. */
static void block(uint8_t *p, uint64_t i)
{
	static bool made;
	uint32_t x = 2463534242u;

	if (!made)
		for (size_t k = 0; k < MIB; k++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			p[k] = (uint8_t)x;
		}
	made = true;
	memcpy(p, &i, sizeof(i));
}

/* --- the source ------------------------------------------------------- */

/* As xl: waits up to 2 s for the remote shell before it goes on. */
static void child_report(pid_t child)
{
	for (int i = 0; i < 2000; i++) {
		if (waitpid(child, NULL, WNOHANG) == child)
			return;
		sleep_ms(1);
	}
	note("source: waited 2 s for the remote shell in vain");
}

static int resume_here(int send_fd, pid_t child)
{
	close(send_fd);
	child_report(child);
	fprintf(stderr, "Migration failed, resuming at sender.\n");
	note("source: resumed");
	return 1;
}

static int undefined(int send_fd, pid_t child)
{
	fprintf(stderr, "** Migration failed during final handshake **\n"
			"Domain state is now undefined !\n");
	close(send_fd);
	child_report(child);
	note("source: undefined");
	return 1;
}

static bool send_image(int fd, const char *domain)
{
	static const uint8_t header[48] = "Xen saved domain, xl format\n \0 \r";
	static uint8_t page[MIB];
	uint64_t n = image_mib();
	char config[512];
	uint32_t len = (uint32_t)snprintf(config, sizeof(config),
					  "{\"c_info\":{\"name\":\"%s\"}}", domain);

	if (!put(fd, header, sizeof(header)) || !put(fd, &len, 4) ||
	    !put(fd, config, len) || !put(fd, &n, 8))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		if (i == n / 2) {
			die_if("die-in-bulk");
			if (is("stall-in-bulk"))
				pause();
		}
		block(page, i);
		if (!put(fd, page, MIB))
			return false;
	}
	return true;
}

static void suspend(void)
{
	const char *fd = getenv("XL_PEER_SUSPEND_FD");

	note("source: suspended");
	if (fd && write(atoi(fd), "s", 1) != 1)
		abort();
}

/* After READY: the part of the handshake that cannot be taken back. */
static int hand_over(int send_fd, int recv_fd, pid_t child)
{
	uint8_t status;

	note("source: renamed");
	die_if("die-after-ready");
	if (!put(send_fd, NSE_XL_GO, sizeof(NSE_XL_GO)))
		return undefined(send_fd, child);
	die_if("die-after-go");
	if (!get_word(recv_fd, NSE_XL_REPORT, sizeof(NSE_XL_REPORT)) ||
	    !get(recv_fd, &status, 1))
		return undefined(send_fd, child);
	if (status == 0) {
		note("source: destroyed");
		fprintf(stderr, "Migration successful.\n");
		return is("fail-at-end") ? 1 : 0;
	}
	if (!get_word(recv_fd, NSE_XL_GO, sizeof(NSE_XL_GO)))
		return undefined(send_fd, child);
	fprintf(stderr, "Migration failed due to problems at target.\n");
	note("source: renamed back");
	note("source: resumed");
	return 1;
}

static pid_t start_shell(const char *rune, int *send_fd, int *recv_fd)
{
	int to[2], from[2];
	pid_t pid;

	if (pipe(to) < 0 || pipe(from) < 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		close(to[0]);
		close(to[1]);
		close(from[0]);
		close(from[1]);
		execlp("sh", "sh", "-c", rune, (char *)NULL);
		_exit(1);
	}
	close(to[0]);
	close(from[1]);
	*send_fd = to[1];
	*recv_fd = from[0];
	return pid;
}

static int migrate(int argc, char **argv)
{
	const char *ssh = "ssh", *extra = "";
	int opt, send_fd, recv_fd;
	char rune[4096];
	pid_t child;

	while ((opt = getopt(argc, argv, "FC:s:epD")) != -1) {
		if (opt == 's')
			ssh = optarg;
		else if (opt == 'e')
			extra = " -e";
		else if (opt == '?')
			return 2;
	}
	if (argc - optind != 2)
		return 2;
	snprintf(rune, sizeof(rune), "exec %s %s xl migrate-receive%s", ssh,
		 argv[optind + 1], extra);
	signal(SIGPIPE, SIG_IGN);
	die_if("die-early");
	if (is("never-connect"))
		pause();
	child = start_shell(rune, &send_fd, &recv_fd);
	if (!get_word(recv_fd, NSE_XL_BANNER, strlen(NSE_XL_BANNER))) {
		close(send_fd);
		child_report(child);
		fprintf(stderr, "migration target: no banner\n");
		note("source: never suspended");
		return 1;
	}
	if (!send_image(send_fd, argv[optind]))
		return resume_here(send_fd, child);
	suspend();
	die_if("die-suspended");
	if (!put(send_fd, "END", 4) ||
	    !get_word(recv_fd, NSE_XL_READY, sizeof(NSE_XL_READY)))
		return resume_here(send_fd, child);
	return hand_over(send_fd, recv_fd, child);
}

/* --- the target ------------------------------------------------------- */

static bool receive_image(void)
{
	static uint8_t page[MIB], expected[MIB];
	uint8_t header[48];
	char config[512], end[4];
	uint32_t len;
	uint64_t n;

	if (!get(0, header, sizeof(header)) || !get(0, &len, 4) ||
	    len >= sizeof(config) || !get(0, config, len) || !get(0, &n, 8))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		if (i == n / 2) {
			die_if("die-in-bulk");
			if (is("exit-in-bulk"))
				exit(1);
			if (is("stall-in-bulk"))
				pause();
			if (is("garbage-in-bulk") && !put(1, "Connection lost\n", 16))
				return false;
		}
		block(expected, i);
		if (!get(0, page, MIB))
			return false;
		if (memcmp(page, expected, MIB) != 0) {
			note("target: block %llu differs", (unsigned long long)i);
			return false;
		}
	}
	return get(0, end, 4) && memcmp(end, "END", 4) == 0;
}

/* rc is not 0: the copy goes, and the source may have the domain back. */
static int report(uint8_t rc)
{
	uint8_t buf[sizeof(NSE_XL_REPORT) + 1] = NSE_XL_REPORT;

	buf[sizeof(buf) - 1] = rc;
	if (!put(1, buf, sizeof(buf))) {
		note("target: copy left behind");
		return 1;
	}
	if (rc == 0)
		return 0;
	if (is("keeps-copy"))
		return 1;
	note("target: destroyed");
	return put(1, NSE_XL_GO, sizeof(NSE_XL_GO)) ? 0 : 1;
}

static int receive(void)
{
	signal(SIGPIPE, SIG_IGN);
	if (is("exit-early"))
		return 1;
	if (is("no-banner"))
		pause();
	if (is("garbage-banner") && !put(1, "Welcome to host B!\n", 19))
		return 1;
	if (!put(1, NSE_XL_BANNER, strlen(NSE_XL_BANNER)))
		return 1;
	if (!receive_image()) {
		note("target: transfer failed");
		return 1;
	}
	if (is("late-ready"))
		sleep_ms(1500);
	if (is("never-ready"))
		pause();
	note("target: complete");
	/* In two parts: a word may arrive in pieces. */
	if (!put(1, NSE_XL_READY, 10))
		return 1;
	sleep_ms(20);
	if (!put(1, &NSE_XL_READY[10], sizeof(NSE_XL_READY) - 10))
		return 1;
	if (is("exit-held"))
		return 1;
	if (is("chatter-held") && !put(1, "x", 1))
		return 1;
	if (!get_word(0, NSE_XL_GO, sizeof(NSE_XL_GO)))
		return report(3);
	note("target: got GO");
	die_if("die-after-go");
	if (is("silent-after-go"))
		pause();
	if (is("cannot-start") || is("keeps-copy"))
		return report(5);
	note("target: running");
	if (is("late-report"))
		sleep_ms(500);
	return report(0);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	bool source = strcmp(verb, "migrate") == 0;
	const char *chosen = getenv(source ? "XL_PEER_SOURCE" : "XL_PEER_TARGET");

	fault = chosen ? chosen : "";
	if (source)
		return migrate(argc - 1, argv + 1);
	if (strcmp(verb, "migrate-receive") == 0)
		return receive();
	if (strcmp(verb, "rsh") == 0 && argc >= 5 && strcmp(argv[3], "xl") == 0 &&
	    strcmp(argv[4], "migrate-receive") == 0) {
		note("rsh: host %s", argv[2]);
		return receive();
	}
	fprintf(stderr, "xl_peer: unknown use\n");
	return 2;
}
