/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The conntrack engine against the bare kernel interface, in one run on one
 * table: TCP entries of random peers with one VM, in network namespaces that
 * end with the bench. Prints one JSON object per line; ratios are what counts.
 *
 * The table's limits hold for the whole machine and can only be raised in the
 * initial network namespace. The parent does that and puts them back, whatever
 * becomes of the child that measures.
 *
 *	ct_bench [ENTRIES] [ROUNDS]
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "lib/engine/conntrack.h"
#include "lib/engine/ct_msg.h"
#include "lib/engine/ct_row.h"
#include "lib/netlink/nl.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

#define SYSCTL "/proc/sys/net/netfilter/nf_conntrack_"
#define BATCH  128
#define ct     (&nse_engine_conntrack)

/* Of the wall and of this process with the kernel's work for it: on a machine
 * that does other things too, only the latter can be compared. */
struct span {
	int64_t us, cpu_us;
};

struct bench {
	uint32_t n;
	int rounds;
	uint8_t *msgs; /* n messages of equal length */
	size_t len;
	struct nse_context *ctx;
};

static void die(const char *what, const struct nse_error *err)
{
	fprintf(stderr, "ct_bench: %s: %s\n", what, err ? err->text : strerror(errno));
	exit(1);
}

static int64_t cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static struct span begin(void)
{
	return (struct span){ nse_now_us(), cpu_us() };
}

/* Keeps the better of both. */
static void end(struct span *best, struct span start)
{
	int64_t us = nse_now_us() - start.us, cpu = cpu_us() - start.cpu_us;

	if (best->us == 0 || us < best->us)
		best->us = us;
	if (best->cpu_us == 0 || cpu < best->cpu_us)
		best->cpu_us = cpu;
}

static void write_sysctl(const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), SYSCTL "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fprintf(stderr, "ct_bench: %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* Entries in memory anywhere in the machine. */
static long slab_objects(void)
{
	char line[512];
	long n = 0, active;
	FILE *f = fopen("/proc/slabinfo", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "nf_conntrack %ld", &active) == 1)
			n = active;
	if (f)
		fclose(f);
	return n;
}

/* Into a namespace of its own, when the last one's entries have been freed. */
static void fresh(void)
{
	struct timespec pause = { 0, 50000000 };

	if (unshare(CLONE_NEWNET) < 0)
		die("unshare", NULL);
	for (int i = 0; i < 1200 && slab_objects() > 10000; i++)
		nanosleep(&pause, NULL);
}

static void random_entry(struct ct_entry *e, uint32_t i)
{
	static const uint8_t vm[4] = { 10, 77, 0, 10 };
	uint32_t r = (uint32_t)random();

	memset(e, 0, sizeof(*e));
	e->l3 = 4;
	e->l4 = IPPROTO_TCP;
	e->present = CT_HAS_TCP;
	e->status = IPS_SEEN_REPLY | IPS_ASSURED;
	e->timeout = 86400 + r % 345600;
	e->tcp.state = 3;
	e->tcp.wscale[0] = 7;
	e->tcp.wscale[1] = (uint8_t)(6 + r % 3);
	e->tcp.flags[0] = e->tcp.flags[1] = 0x03;
	memcpy(e->orig.src, vm, 4);
	memcpy(e->orig.dst, &r, 4);
	e->orig.dst[0] = (uint8_t)(11 + e->orig.dst[0] % 200);
	/* The number is in the ports, so that no two are the same. */
	e->orig.l4[0] = (uint8_t)(0x80 | i >> 8);
	e->orig.l4[1] = (uint8_t)i;
	e->orig.l4[2] = (uint8_t)(i >> 15 & 0xff);
	e->orig.l4[3] = (uint8_t)(187 + (i >> 23));
	ct_invert(4, IPPROTO_TCP, &e->orig, &e->reply);
}

static void prebuild(struct bench *b)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct ct_entry e;

	srandom(1);
	for (uint32_t i = 0; i < b->n; i++) {
		struct nlmsghdr *nlh = (void *)buf;
		size_t len;

		random_entry(&e, i);
		len = ct_msg_create(buf, &e, false);
		nlh->nlmsg_seq = i;
		if (i % BATCH == BATCH - 1 || i == b->n - 1)
			nlh->nlmsg_flags |= NLM_F_ACK;
		if (!b->msgs) {
			b->len = len;
			b->msgs = malloc(len * b->n);
		}
		if (!b->msgs || len != b->len)
			die("messages", NULL);
		memcpy(b->msgs + len * i, buf, len);
	}
}

static struct mnl_socket *raw_socket(void)
{
	struct mnl_socket *s = mnl_socket_open(NETLINK_NETFILTER);
	int size = 8 << 20;

	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink", NULL);
	setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return s;
}

/* The limit: bytes that lie ready, an ack per batch. */
static void raw_load(struct bench *b, struct span *best)
{
	struct mnl_socket *s = raw_socket();
	char ack[8192];
	struct span start = begin();

	for (uint32_t i = 0; i < b->n; i += BATCH) {
		uint32_t n = b->n - i < BATCH ? b->n - i : BATCH;

		if (mnl_socket_sendto(s, b->msgs + b->len * i, b->len * n) < 0)
			die("send", NULL);
		if (mnl_socket_recvfrom(s, ack, sizeof(ack)) < 0)
			die("receive", NULL);
	}
	mnl_socket_close(s);
	end(best, start);
}

/* The limit: datagrams taken off the socket, unread but for the end. */
static void raw_dump(struct span *best)
{
	struct mnl_socket *s = raw_socket();
	uint8_t req[CT_MSG_MAX] __attribute__((aligned(4)));
	static char buf[65536];
	struct span start = begin();

	if (mnl_socket_sendto(s, req, ct_msg_dump(req, 0)) < 0)
		die("send", NULL);
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(s, buf, sizeof(buf));

		if (n < 0)
			die("receive", NULL);
		if (((struct nlmsghdr *)buf)->nlmsg_type == NLMSG_DONE)
			break;
	}
	mnl_socket_close(s);
	end(best, start);
}

static int null_put(void *arg, const struct nse_record *rec)
{
	(void)rec;
	++*(uint64_t *)arg;
	return 0;
}

static int null_reset(void *arg, const char *engine)
{
	(void)engine;
	*(uint64_t *)arg = 0;
	return 0;
}

static void collect(const struct nse_scope *scope, const struct nse_sink *sink,
		    struct span *best)
{
	struct nse_error err = { 0 };
	struct span start = begin();

	if (ct->collect(scope, sink, &err) < 0)
		die("collect", &err);
	end(best, start);
}

static void line(const char *what, uint32_t n, const struct span *s)
{
	printf("{\"bench\":\"conntrack\",\"what\":\"%s\",\"records\":%u,\"us\":%lld,"
	       "\"cpu_us\":%lld,\"cpu_ns_each\":%.0f}\n",
	       what, n, (long long)s->us, (long long)s->cpu_us,
	       1000.0 * (double)s->cpu_us / n);
	fflush(stdout);
}

static void ratio(const char *what, const struct span *ours, const struct span *raw,
		  double limit)
{
	double wall = (double)ours->us / (double)raw->us;
	double cpu = (double)ours->cpu_us / (double)raw->cpu_us;

	printf("{\"bench\":\"conntrack\",\"ratio\":\"%s\",\"wall\":%.3f,\"cpu\":%.3f,"
	       "\"limit\":%.2f,\"met\":%s}\n",
	       what, wall, cpu, limit, cpu <= limit ? "true" : "false");
	fflush(stdout);
}

static void bench_collect(struct bench *b)
{
	struct span load = { 0 }, raw = { 0 }, ours = { 0 }, one = { 0 }, into = { 0 };
	uint64_t seen = 0;
	struct nse_sink null = { null_put, null_reset, &seen }, sink;
	struct nse_scope all, scope;
	struct nse_addr vm;

	nse_scope_init(&all);
	nse_scope_init(&scope);
	all.all = true;
	nse_addr_parse("10.77.0.10", &vm, NULL);
	nse_domain_add_addr(&scope.domain, &vm);
	fresh();
	raw_load(b, &load);
	for (int i = 0; i < b->rounds; i++) {
		raw_dump(&raw);
		seen = 0;
		collect(&all, &null, &ours);
		if (seen != b->n)
			die("collect: not all came", NULL);
		collect(&scope, &null, &one);
	}
	b->ctx = nse_context_new();
	sink = nse_context_sink(b->ctx);
	collect(&all, &sink, &into);
	line("raw dump", b->n, &raw);
	line("collect", b->n, &ours);
	line("collect, one address", b->n, &one);
	line("collect into a context", b->n, &into);
	printf("{\"bench\":\"conntrack\",\"what\":\"memory\",\"bytes_each\":%.1f}\n",
	       (double)nse_context_memory(b->ctx) / b->n);
	ratio("collect / raw dump", &ours, &raw, 1.1);
	nse_scope_release(&scope);
}

typedef int job_fn(struct nse_job *job, struct nse_error *err);

static void run(const char *what, job_fn *fn, struct nse_job *job, struct span *best)
{
	struct nse_error err = { 0 };
	struct span start = begin();

	if (fn(job, &err) < 0)
		die(what, &err);
	end(best, start);
}

static void bench_install(struct bench *b)
{
	struct span raw = { 0 }, ours = { 0 }, settle = { 0 }, verify = { 0 };
	struct span undo = { 0 };
	struct nse_job job;

	for (int i = 0; i < b->rounds; i++) {
		fresh();
		raw_load(b, &raw);
		fresh();
		if (nse_job_init(&job, b->ctx, NSE_JOB_LIBERAL) < 0)
			die("job", NULL);
		run("install", ct->install, &job, &ours);
		if (job.created != b->n)
			die("install: not all were created", NULL);
		run("settle", ct->settle, &job, &settle);
		run("verify", ct->verify, &job, &verify);
		if (job.verified != b->n)
			die("verify: not all are right", NULL);
		run("undo", ct->undo, &job, &undo);
		nse_job_release(&job);
	}
	line("raw load", b->n, &raw);
	line("install", b->n, &ours);
	line("settle", b->n, &settle);
	line("verify", b->n, &verify);
	line("undo", b->n, &undo);
	ratio("install / raw load", &ours, &raw, 1.2);
}

static int child(struct bench *b)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prebuild(b);
	bench_collect(b);
	bench_install(b);
	nse_context_free(b->ctx);
	free(b->msgs);
	return 0;
}

static void on_signal(int sig)
{
	(void)sig; /* waitpid() returns, and the parent ends as it should */
}

int main(int argc, char **argv)
{
	struct bench b = { .n = argc > 1 ? (uint32_t)atol(argv[1]) : 1000000,
			   .rounds = argc > 2 ? atoi(argv[2]) : 3 };
	struct sigaction sa = { .sa_handler = on_signal };
	char max[32], buckets[32], want[32];
	int status = 0;
	pid_t pid;

	if (nse_read_text(SYSCTL "max", max, sizeof(max)) < 0 ||
	    nse_read_text(SYSCTL "buckets", buckets, sizeof(buckets)) < 0)
		die("no connection tracking in this kernel", NULL);
	if (b.n == 0 || b.rounds < 1)
		return 2;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	snprintf(want, sizeof(want), "%u", b.n + 100000);
	write_sysctl("buckets", "1048576");
	write_sysctl("max", want);
	pid = fork();
	if (pid == 0)
		exit(child(&b));
	if (pid > 0 && waitpid(pid, &status, 0) < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		status = 1;
	}
	write_sysctl("max", max);
	write_sysctl("buckets", buckets);
	return pid > 0 && status == 0 ? 0 : 1;
}
