/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What progress looks like.
 */
#include "cmd/progress_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd/output.h"
#include "lib/session/steps.h"

#define SECOND	    1000000
#define COLUMNS	    80 /* of a terminal that does not say */
#define CLOCK	    24
#define LEFT_MAX_S  (100 * 3600) /* more is no forecast */
#define TARGET_ROOM 280

struct words {
	const char *step, *words;
};

/* The steps of lib/session/source.c in words. */
static const struct words phases[] = {
	{ "lock", "connecting" },
	{ "connect", "connecting" },
	{ "hello", "preflight" },
	{ "offer", "preflight" },
	{ "round0", "copying context" },
	{ "move", "copying memory" },
	{ "suspend", "copying memory" },
	{ "freeze", "frozen" },
	{ "collect", "frozen, collecting changes" },
	{ "install", "frozen, installing context" },
	{ "ready", "frozen, context committed" },
	{ "release", "starting there" },
	{ "end", "starting there" },
	{ "thaw", "settling" },
	{ "settle", "settling" },
	{ "clean", "cleaning up here" },
	{ "done", "cleaning up here" },
	{ NSE_STEPS_UNDO, "undoing" },
	{ NULL, NULL },
};

static const struct words works[] = {
	{ "read", "reading" },
	{ "collect", "collecting" },
	{ "connect", "connecting" },
	{ "send", "sending" },
	{ "wait", "waiting for the other host" },
	{ "install", "installing" },
	{ "settle", "settling" },
	{ "verify", "verifying" },
	{ NULL, NULL },
};

static const char *words_of(const struct cmd_progress_at *p)
{
	for (const struct words *w = p->work ? works : phases; w->step; w++)
		if (strcmp(w->step, p->phase) == 0)
			return w->words;
	return p->phase;
}

static bool is(const struct cmd_progress_at *p, const char *step)
{
	return strcmp(p->phase, step) == 0;
}

uint64_t cmd_rate_add(struct cmd_rate *r, int64_t now_us, uint64_t n)
{
	if (r->n == CMD_RATE_SAMPLES) {
		r->n--;
		memmove(r->at, r->at + 1, r->n * sizeof(r->at[0]));
		memmove(r->counts, r->counts + 1, r->n * sizeof(r->counts[0]));
	}
	r->at[r->n] = now_us;
	r->counts[r->n++] = n;
	if (now_us <= r->at[0] || n <= r->counts[0])
		return 0;
	return (uint64_t)((double)(n - r->counts[0]) * SECOND /
			  (double)(now_us - r->at[0]));
}

static const char *clock_text(int64_t s, char out[CLOCK])
{
	if (s < 3600)
		snprintf(out, CLOCK, "%" PRId64 ":%02d", s / 60, (int)(s % 60));
	else
		snprintf(out, CLOCK, "%" PRId64 ":%02d:%02d", s / 3600,
			 (int)(s / 60 % 60), (int)(s % 60));
	return out;
}

static void add(char out[CMD_PROGRESS_ROOM], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(char out[CMD_PROGRESS_ROOM], const char *fmt, ...)
{
	size_t n = strlen(out);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out + n, CMD_PROGRESS_ROOM - n, fmt, ap);
	va_end(ap);
}

static void add_left(uint64_t done, uint64_t total, uint64_t rate,
		     char out[CMD_PROGRESS_ROOM])
{
	char left[CLOCK];

	if (total > done && (total - done) / rate < LEFT_MAX_S)
		add(out, ", %s left", clock_text((int64_t)((total - done) / rate), left));
}

static void add_memory(const struct nse_move_progress *m, bool copying, uint64_t rate,
		       char out[CMD_PROGRESS_ROOM])
{
	char text[CMD_NUMBER];

	if (!m->bytes)
		return;
	add(out, ": %s", cmd_bytes(m->bytes, text));
	if (m->total)
		add(out, " of %s", cmd_bytes(m->total, text));
	if (!copying || !rate)
		return;
	add(out, ", %s/s", cmd_bytes(rate, text));
	/* Beyond the total the domain writes faster than that can be told. */
	add_left(m->bytes, m->total, rate, out);
}

static void add_work(const struct cmd_progress_at *p, uint64_t rate,
		     char out[CMD_PROGRESS_ROOM])
{
	char text[CMD_NUMBER];

	if (!p->records && !p->total)
		return;
	add(out, ": %s", cmd_number(p->records, text));
	if (p->total)
		add(out, " of %s", cmd_number(p->total, text));
	add(out, " record%s", (p->total ? p->total : p->records) == 1 ? "" : "s");
	if (p->sent)
		add(out, " (%s)", cmd_bytes(p->sent, text));
	if (!rate)
		return;
	add(out, ", %s/s", cmd_number(rate, text));
	add_left(p->records, p->total, rate, out);
}

/* Cuts between characters: a continuation byte of UTF-8 takes no column. */
static void clip(char *text, size_t columns)
{
	size_t width = 0;

	for (char *p = text; *p; p++) {
		if (((unsigned char)*p & 0xc0) == 0x80)
			continue;
		if (width++ == columns) {
			*p = '\0';
			return;
		}
	}
}

const char *cmd_progress_line(const struct cmd_progress_at *p, const char *target,
			      int64_t elapsed_us, uint64_t rate, size_t columns,
			      char out[CMD_PROGRESS_ROOM])
{
	char text[CLOCK], number[CMD_NUMBER], bytes[CMD_NUMBER], safe[TARGET_ROOM];
	bool copying = is(p, "suspend");

	out[0] = '\0';
	add(out, "nsemig: %s %s", clock_text(elapsed_us / SECOND, text), words_of(p));
	if (p->work)
		add_work(p, rate, out);
	else if (copying || is(p, "ready"))
		add_memory(&p->memory, copying, rate, out);
	if (!p->work && p->records && !is(p, NSE_STEPS_UNDO))
		add(out, "; %s record%s (%s) at %s", cmd_number(p->records, number),
		    p->records == 1 ? "" : "s", cmd_bytes(p->sent, bytes),
		    cmd_safe(target, safe, sizeof(safe)));
	clip(out, (columns ? columns : COLUMNS) - 1);
	return out;
}

const char *cmd_progress_json(const struct cmd_progress_at *p, int64_t elapsed_us,
			      char out[CMD_PROGRESS_ROOM])
{
	out[0] = '\0';
	if (p->work)
		add(out,
		    "{\"format\":1,\"phase\":\"%s\",\"records\":%" PRIu64
		    ",\"records_total\":%" PRIu64 ",\"context_bytes\":%" PRIu64
		    ",\"elapsed_us\":%" PRId64 "}\n",
		    p->phase, p->records, p->total, p->sent, elapsed_us);
	else
		add(out,
		    "{\"format\":1,\"phase\":\"%s\",\"bytes\":%" PRIu64
		    ",\"total\":%" PRIu64 ",\"records\":%" PRIu64
		    ",\"context_bytes\":%" PRIu64 ",\"elapsed_us\":%" PRId64 "}\n",
		    p->phase, p->memory.bytes, p->memory.total, p->records, p->sent,
		    elapsed_us);
	return out;
}

bool cmd_progress_may_ask(const struct cmd_progress_at *p, bool by_ssh)
{
	if (is(p, "lock") || is(p, "connect") || (p->work && is(p, "wait")))
		return by_ssh;
	if (p->work)
		return false;
	return is(p, "move") || (is(p, "suspend") && p->memory.total && !p->memory.bytes);
}

static void talk_byte(struct cmd_talk *t, char c,
		      void (*line)(void *arg, const char *text, size_t n), void *arg)
{
	bool back = t->back;

	t->back = c == '\r';
	if (t->back)
		return;
	if (c == '\n' || t->n == sizeof(t->line)) {
		line(arg, t->line, t->n);
		t->n = 0;
	} else if (back) {
		t->n = 0;
	}
	if (c != '\n')
		t->line[t->n++] =
			((unsigned char)c < ' ' && c != '\t') || c == 0x7f ? '?' : c;
}

void cmd_talk_put(struct cmd_talk *t, const char *p, size_t n,
		  void (*line)(void *arg, const char *text, size_t n), void *arg)
{
	for (size_t i = 0; i < n; i++)
		talk_byte(t, p[i], line, arg);
}
