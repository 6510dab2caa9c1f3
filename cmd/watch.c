/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig watch: the changes of a live context, a line each, until it is told to end.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/fields.h"
#include "cmd/groups.h"
#include "cmd/output.h"
#include "cmd/watch_print.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define INTERVAL_US 1000000
#define LEAST_S	    0.05
#define MOST_S	    86400

struct options {
	bool json, initial, state;
	const char *filter;
	int64_t count, interval_us, timeout_us;
};

static int take_seconds(int64_t *us, const char *value, struct nse_error *err)
{
	char *end;
	double s = strtod(value, &end);

	if (end == value || *end || !isfinite(s) || s < LEAST_S || s > MOST_S)
		return nse_error(err, -EINVAL,
				 "'%s' is not a number of seconds between %g and %d",
				 value, LEAST_S, MOST_S);
	*us = (int64_t)(s * 1e6);
	return 0;
}

static int take_interval(void *base, const char *value, struct nse_error *err)
{
	return take_seconds(&((struct options *)base)->interval_us, value, err);
}

static int take_timeout(void *base, const char *value, struct nse_error *err)
{
	return take_seconds(&((struct options *)base)->timeout_us, value, err);
}

static const struct nse_opt opts[] = {
	NSE_OPT_FLAG('\0', "json", struct options, json,
		     "one JSON object a line, nsemig-json(5)"),
	NSE_OPT_FLAG('i', "initial", struct options, initial,
		     "first print what is there already"),
	NSE_OPT_STRING('\0', "filter", "EXPR", struct options, filter,
		       "only records that satisfy it, before or after the change"),
	NSE_OPT_FLAG('\0', "state", struct options, state,
		     "remaining times and counters are changes, too"),
	NSE_OPT_CALL('\0', "interval", "S", take_interval,
		     "look every S seconds at what tells nothing by itself (1)"),
	NSE_OPT_INT('n', "count", "N", struct options, count, 1, INT64_MAX,
		    "end after N changes"),
	NSE_OPT_CALL('\0', "timeout", "S", take_timeout, "end after S seconds"),
	NSE_OPT_END
};

static const char *const synopsis[] = { "[options] DOMAIN", "[options] SCOPE", NULL };
static const struct nse_usage usage = {
	.name = "watch",
	.synopsis = synopsis,
	.operands = "scope",
	.max = 1,
	.notes = "Ctrl-C ends it.",
};

struct watch {
	const struct nse_args *args;
	const struct options *o;
	struct nse_watch *w;
	struct watch_print print;
	uint64_t resyncs; /* that have been told of */
	int64_t start_us;
};

/*
 * Waits until there is news or a round is due. 0, -EINTR at a signal, -ETIMEDOUT at
 * the end of the time, -EPIPE when nobody reads any more.
 */
static int wait_for_news(const struct watch *s)
{
	struct pollfd fds[NSE_WATCH_FDS + 1];
	int64_t until, end = NSE_FOREVER;
	size_t n = nse_watch_fds(s->w, fds, &until);
	sigset_t ours, old;
	struct timespec ts;
	int ms, rc = 0;

	if (s->o->timeout_us)
		end = s->start_us + s->o->timeout_us;
	ms = nse_poll_ms(until < end ? until : end);
	ts = (struct timespec){ ms / 1000, ms % 1000 * 1000000L };
	fds[n] = (struct pollfd){ .fd = STDOUT_FILENO };
	/* A signal between the look at the flag and the sleep must not be lost. */
	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGHUP);
	sigprocmask(SIG_BLOCK, &ours, &old);
	if (!cmd_signal && ppoll(fds, n + 1, ms < 0 ? NULL : &ts, &old) < 0 &&
	    errno != EINTR)
		rc = -errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (cmd_signal)
		return -EINTR;
	if (rc == 0 && fds[n].revents & (POLLERR | POLLHUP))
		return -EPIPE;
	return rc == 0 && nse_now_us() >= end ? -ETIMEDOUT : rc;
}

/* What is not known is said. */
static int tell_lost(struct watch *s)
{
	const struct nse_follow_stats *now = nse_watch_stats(s->w);

	if (now->resyncs == s->resyncs)
		return 0;
	s->resyncs = now->resyncs;
	cmd_say(&s->args->common,
		"there were more events than this could take, and some were lost: "
		"everything was collected again, and what came and went meanwhile is "
		"not shown");
	return watch_print_lost(&s->print);
}

static int watch(struct watch *s, struct nse_error *err)
{
	int rc = 0;

	if (s->o->initial) {
		s->print.first = true;
		rc = nse_watch_first(s->w, watch_print_news, &s->print, err);
		s->print.first = false;
	}
	while (rc == 0) {
		rc = wait_for_news(s);
		rc = rc ?: nse_watch_round(s->w, watch_print_news, &s->print, err);
		rc = rc ?: tell_lost(s);
	}
	/* All of these are ends that somebody has asked for. */
	if (rc == -EINTR || rc == -ETIMEDOUT || rc == -ECANCELED || rc == -EPIPE)
		return 0;
	return err->code ? rc : nse_errno(err, rc, "watching");
}

static void say_begin(const struct watch *s, const struct nse_scope *scope)
{
	size_t n = nse_watch_count(s->w);
	char number[CMD_NUMBER], name[300];

	cmd_say(&s->args->common, "watching %s: %s record%s now; Ctrl-C ends it",
		scope->domain.name[0] ? cmd_safe(scope->domain.name, name, sizeof(name))
				      : "what was chosen",
		cmd_number(n, number), n == 1 ? "" : "s");
}

static void say_end(const struct watch *s)
{
	char added[CMD_NUMBER], changed[CMD_NUMBER], removed[CMD_NUMBER];
	char time[CMD_NUMBER], lost[CMD_NUMBER];

	/* Behind the terminal's "^C". */
	if (cmd_signal == SIGINT && isatty(STDERR_FILENO) && !s->args->common.quiet)
		fputc('\n', stderr);
	cmd_say(&s->args->common, "%s new, %s changed, %s gone in %s%s%s%s",
		cmd_number(s->print.n[NSE_ADDED], added),
		cmd_number(s->print.n[NSE_CHANGED], changed),
		cmd_number(s->print.n[NSE_REMOVED], removed),
		cmd_duration(nse_now_us() - s->start_us, time),
		s->resyncs ? "; events were lost, and everything collected again: " : "",
		s->resyncs ? cmd_number(s->resyncs, lost) : "",
		s->resyncs ? (s->resyncs == 1 ? " time" : " times") : "");
}

static int run(const struct nse_args *args, const struct options *o,
	       const struct cmd_scope *chosen, struct nse_error *err)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope = { 0 };
	NSE_CLEANUP(nse_filter_freep) struct nse_filter *filter = NULL;
	NSE_CLEANUP(nse_watch_closep) struct nse_watch *w = NULL;
	struct nse_watch_spec spec = { .scope = &scope,
				       .engines = chosen->engines,
				       .interval_us = o->interval_us,
				       .state = o->state };
	struct watch s = { .args = args, .o = o, .start_us = nse_now_us() };
	int rc = 0;

	if (o->filter)
		rc = cmd_filter_parse(&filter, o->filter, err);
	if (rc == 0)
		rc = cmd_scope_resolve(chosen, args->words[0], &scope, err);
	if (rc == 0)
		rc = nse_watch_open(&w, &spec, err);
	if (rc < 0)
		return rc;
	s.w = w;
	s.print = (struct watch_print){ .json = o->json,
					.state = o->state,
					.color = cmd_color_on(&args->common, stdout),
					.filter = filter,
					.left = o->count ? o->count : -1,
					.err = err };
	say_begin(&s, &scope);
	rc = watch(&s, err);
	if (rc == 0)
		say_end(&s);
	return rc;
}

int cmd_watch(int argc, char **argv)
{
	NSE_CLEANUP(cmd_scope_release) struct cmd_scope chosen;
	struct options o = { .interval_us = INTERVAL_US };
	struct nse_opt_group groups[] = { { NULL, opts, &o },
					  CMD_SCOPE_GROUP(&chosen),
					  { NULL, NULL, NULL } };
	struct nse_error err = { 0 };
	struct nse_args args;
	int status;

	cmd_scope_init(&chosen);
	status = nse_opts_parse(&usage, groups, argc, argv, &args);
	if (status >= 0)
		return status;
	cmd_catch_signals();
	signal(SIGPIPE, SIG_IGN);
	return run(&args, &o, &chosen, &err) < 0 ? cmd_fail(&err) : CMD_DONE;
}
