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
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/engine/conntrack.h"
#include "lib/engine/ct_row.h"
#include "lib/netlink/nl.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"
#include "tests/bench/ct_raw.h"

#define SYSCTL "/proc/sys/net/netfilter/nf_conntrack_"
#define ct     (&nse_engine_conntrack)

/* Of the wall and of this process with the kernel's work for it: on a machine
 * that does other things too, only the latter can be compared. */
struct span {
	int64_t us, cpu_us;
};

struct bench {
	uint32_t n;
	int rounds;
	struct raw_batches raw;
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

/* Into a namespace of its own, when the last one's entries have been freed. */
static void fresh(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		die("unshare", NULL);
	raw_wait_freed(10000);
}

static void load(const struct bench *b, struct span *best)
{
	struct span start = begin();

	raw_load(&b->raw);
	end(best, start);
}

static void dump(struct span *best)
{
	struct span start = begin();

	raw_dump(-1);
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
	struct span first = { 0 }, raw = { 0 }, ours = { 0 }, one = { 0 }, into = { 0 };
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
	load(b, &first);
	for (int i = 0; i < b->rounds; i++) {
		dump(&raw);
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
		load(b, &raw);
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
	raw_prebuild(&b->raw, 1, b->n, NULL);
	bench_collect(b);
	bench_install(b);
	nse_context_free(b->ctx);
	free(b->raw.msgs);
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
