/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bare kernel interface as commands, for tests/bench/run: what nsemig is
 * measured against, and the changes between two snapshots. Times are in µs.
 *
 *	ct_raw load N SEED [ADDR]
 *	                        entries 0 to N-1 of the seed, of the VM or of ADDR, into
 *	                        the table; prints the time without that of building
 *	                        the messages
 *	ct_raw dump             the table, received and thrown away; prints the time
 *	ct_raw write            the table's netlink messages to stdout
 *	ct_raw change N SEED    of those N marks N/200 anew, deletes N/400 and adds
 *	                        N/400 others; prints how many
 *	ct_raw wait MOST        until there are not more entries in the machine
 *	ct_raw run FILE CMD...  runs CMD; writes wall, user and system time and peak
 *	                        memory in KiB to FILE; exits as CMD does
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "lib/util/clock.h"
#include "tests/bench/ct_raw.h"

static uint32_t number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	errno = EINVAL;
	if (*end || end == text || n > UINT32_MAX)
		raw_die(text);
	return (uint32_t)n;
}

static int load(char **arg)
{
	struct raw_batches b = { 0 };
	uint8_t addr[4];
	int64_t start;

	if (arg[2] && inet_pton(AF_INET, arg[2], addr) != 1)
		raw_die(arg[2]);
	raw_prebuild(&b, number(arg[1]), number(arg[0]), arg[2] ? addr : NULL);
	start = nse_now_us();
	raw_load(&b);
	printf("%" PRId64 "\n", nse_now_us() - start);
	free(b.msgs);
	return 0;
}

static int dump(char **arg)
{
	int64_t start = nse_now_us();

	(void)arg;
	raw_dump(-1);
	printf("%" PRId64 "\n", nse_now_us() - start);
	return 0;
}

static int write_messages(char **arg)
{
	(void)arg;
	raw_dump(STDOUT_FILENO);
	return 0;
}

static void send_off(struct raw_batches *b)
{
	raw_load(b);
	free(b->msgs);
	*b = (struct raw_batches){ 0 };
}

/* Entries 0 to N/200 get a mark, the next N/400 go, N/400 behind N come. */
static int change(char **arg)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	uint32_t n = number(arg[0]), marked = n / 200, others = n / 400;
	struct nlmsghdr *nlh = (void *)buf;
	struct raw_batches b = { 0 };
	uint64_t seed = number(arg[1]);
	struct ct_entry e;

	for (uint32_t i = 0; i < marked; i++) {
		size_t len;

		raw_entry(&e, seed, i);
		e.mark = 0xbe7c;
		len = ct_msg_create(buf, &e, false);
		nlh->nlmsg_flags &= (uint16_t) ~(NLM_F_CREATE | NLM_F_EXCL);
		raw_add(&b, marked, buf, len);
	}
	send_off(&b);
	for (uint32_t i = marked; i < marked + others; i++) {
		size_t len;

		raw_entry(&e, seed, i);
		len = ct_msg_get(buf, &e, &e.orig, false);
		nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
		raw_add(&b, others, buf, len);
	}
	send_off(&b);
	for (uint32_t i = n; i < n + others; i++) {
		raw_entry(&e, seed, i);
		raw_add(&b, others, buf, ct_msg_create(buf, &e, false));
	}
	send_off(&b);
	printf("%u %u %u\n", marked, others, others);
	return 0;
}

static int wait_freed(char **arg)
{
	raw_wait_freed(number(arg[0]));
	return 0;
}

static int64_t us(struct timeval tv)
{
	return (int64_t)tv.tv_sec * 1000000 + tv.tv_usec;
}

static int run(char **arg)
{
	int64_t start = nse_now_us();
	struct rusage used;
	int status;
	FILE *f;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(arg[1], arg + 1);
		raw_die(arg[1]);
	}
	if (pid < 0 || wait4(pid, &status, 0, &used) < 0)
		raw_die(arg[1]);
	start = nse_now_us() - start;
	f = fopen(arg[0], "we");
	if (!f ||
	    fprintf(f, "%" PRId64 " %" PRId64 " %" PRId64 " %ld\n", start,
		    us(used.ru_utime), us(used.ru_stime), used.ru_maxrss) < 0 ||
	    fclose(f) < 0)
		raw_die(arg[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const struct {
	const char *name;
	int args; /* at least */
	int (*fn)(char **arg);
} commands[] = {
	{ "load", 2, load },	 { "dump", 0, dump }, { "write", 0, write_messages },
	{ "change", 2, change }, { "run", 2, run },   { "wait", 1, wait_freed },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (argc > 1 && strcmp(argv[1], commands[i].name) == 0 &&
		    argc >= 2 + commands[i].args)
			return commands[i].fn(argv + 2);
	fprintf(stderr,
		"usage: ct_raw load N SEED [ADDR] | dump | write | change N SEED | "
		"wait MOST | run FILE CMD...\n");
	return 2;
}
