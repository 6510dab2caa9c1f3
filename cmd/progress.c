/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Showing progress. A thread of its own draws four times a second, so that a
 * terminal that stands still (Ctrl-S) cannot hold up a frozen domain.
 *
 * What others print must not end up in the middle of the line: file
 * descriptor 2 becomes a pseudo-terminal, and the thread puts what comes out
 * of it, in whole lines, above the line. A pipe would not do: whoever writes
 * to it after this process was killed gets SIGPIPE, and xl has to survive
 * that; a terminal that has gone is just an error on write(2).
 */
#include "cmd/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/progress_line.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

#define TICK_US	  250000
#define DELAY_US  500000  /* what is over by then has no line */
#define IDLE_US	  1000000 /* between two objects that say nothing new */
#define DRAIN_US  1000000 /* for the last words, at the end */
#define MOVES	  2	  /* the first one may just fill the pipe to ssh(1) */
#define MOMENTS	  64	  /* steps between two ticks */
#define ERASE_END "\033[K"
#define ERASE	  "\r" ERASE_END

struct moment {
	struct cmd_progress_at at;
	int64_t us;
};

struct cmd_progress {
	bool json, by_ssh;
	char *target;
	int64_t start;
	int tty;	   /* stderr as it was */
	int master, slave; /* what stderr is meanwhile, -1: what it was */
	int kick;	   /* eventfd: look at once */
	pthread_t thread;

	pthread_mutex_t lock; /* never held while something is written */
	struct moment now;    /* us 0: nothing known yet */
	struct moment begun[MOMENTS];
	size_t nbegun;
	void (*ask)(void *arg, struct cmd_progress_at *now); /* or NULL */
	void *arg;
	bool stopping;

	/* the thread's own */
	bool drawn; /* the line is on the terminal */
	bool open;  /* somebody's unfinished line is */
	struct cmd_rate rate;
	uint64_t per_s;
	unsigned int moves; /* ticks at which the phase's work had moved on */
	struct cmd_progress_at ticked;
	struct cmd_talk talk;
	struct moment shown;
	int64_t end; /* of the patience with the last words, 0: not yet */
	size_t n;
	char out[8192];
};

static void flush(struct cmd_progress *p)
{
	/* Where stderr is gone there is nobody to tell. */
	(void)nse_write_full(p->tty, p->out, p->n, NSE_FOREVER);
	p->n = 0;
}

static void put(struct cmd_progress *p, const char *text, size_t n)
{
	if (p->n + n > sizeof(p->out))
		flush(p);
	memcpy(p->out + p->n, text, n);
	p->n += n;
}

static void erase(struct cmd_progress *p)
{
	if (p->drawn)
		put(p, ERASE, strlen(ERASE));
	p->drawn = false;
}

static void end_open(struct cmd_progress *p)
{
	if (p->open)
		put(p, "\n", 1);
	p->open = false;
}

static void on_line(void *arg, const char *text, size_t n)
{
	struct cmd_progress *p = arg;

	erase(p);
	put(p, text, n);
	put(p, "\n", 1);
	p->open = false;
}

/* What has no end yet: a question, or the last word of all. */
static void pass_open(struct cmd_progress *p)
{
	if (p->talk.n == 0)
		return;
	erase(p);
	put(p, p->talk.line, p->talk.n);
	p->talk.n = 0;
	p->open = true;
}

/*
 * Shows what was printed. True at the NUL byte that cmd_progress_stop() sends
 * after everything else.
 */
static bool hear(struct cmd_progress *p, bool stopping)
{
	char buf[4096], *last;
	ssize_t n;

	if (p->master < 0)
		return true;
	while ((n = read(p->master, buf, sizeof(buf))) > 0) {
		last = stopping ? memchr(buf, '\0', (size_t)n) : NULL;
		cmd_talk_put(&p->talk, buf, last ? (size_t)(last - buf) : (size_t)n,
			     on_line, p);
		if (last)
			return true;
	}
	return n == 0 || (errno != EAGAIN && errno != EINTR);
}

static bool same(const struct cmd_progress_at *a, const struct cmd_progress_at *b)
{
	return a->phase == b->phase && a->memory.bytes == b->memory.bytes &&
	       a->memory.total == b->memory.total && a->records == b->records &&
	       a->total == b->total && a->sent == b->sent;
}

static bool may_ask(const struct cmd_progress *p, const struct moment *now)
{
	return now->us && (cmd_progress_may_ask(&now->at, p->by_ssh) ||
			   (now->at.work && p->by_ssh && p->moves < MOVES));
}

/* Somebody else has the terminal, or is about to use it. */
static bool hidden(const struct cmd_progress *p, const struct moment *now)
{
	pid_t owner = tcgetpgrp(p->tty);

	return !now->us || may_ask(p, now) || nse_now_us() < p->start + DELAY_US ||
	       (owner >= 0 && owner != getpgrp());
}

static void draw(struct cmd_progress *p, const struct moment *now)
{
	struct winsize size = { 0 };
	char line[CMD_PROGRESS_ROOM];

	if (hidden(p, now)) {
		erase(p);
		return;
	}
	end_open(p);
	ioctl(p->tty, TIOCGWINSZ, &size);
	cmd_progress_line(&now->at, p->target, nse_now_us() - p->start, p->per_s,
			  size.ws_col, line);
	/* Over the old one, without a moment in which there is none. */
	if (p->drawn)
		put(p, "\r", 1);
	put(p, line, strlen(line));
	put(p, ERASE_END, strlen(ERASE_END));
	p->drawn = true;
}

static void print_json(struct cmd_progress *p, const struct moment *m)
{
	char line[CMD_PROGRESS_ROOM];

	end_open(p);
	cmd_progress_json(&m->at, m->us - p->start, line);
	put(p, line, strlen(line));
	p->shown = *m;
}

/* Each step as it began, then what has changed. */
static void print_news(struct cmd_progress *p, const struct moment *begun, size_t nbegun,
		       struct moment now)
{
	for (size_t i = 0; i < nbegun; i++)
		print_json(p, &begun[i]);
	if (!now.us || nbegun)
		return;
	now.us = nse_now_us();
	if (!same(&now.at, &p->shown.at) || now.us >= p->shown.us + IDLE_US)
		print_json(p, &now);
}

/*
 * The rate of work is that of a phase, and begins anew with it; so does the question
 * whether somebody takes what we give.
 */
static void count(struct cmd_progress *p, const struct cmd_progress_at *now)
{
	bool begins = p->ticked.phase != now->phase;

	if (begins && now->work)
		p->rate.n = 0;
	p->moves = begins ? 0 : p->moves + !same(&p->ticked, now);
	p->ticked = *now;
	p->per_s = cmd_rate_add(&p->rate, nse_now_us(),
				now->work ? now->records : now->memory.bytes);
}

/* Shows what is due; true when that was the last time. */
static bool look(struct cmd_progress *p, bool tick)
{
	struct moment begun[MOMENTS], now;
	bool stopping, was_drawn, over, ask;
	size_t nbegun = 0;

	pthread_mutex_lock(&p->lock);
	stopping = p->stopping;
	if (p->ask && p->now.us)
		p->ask(p->arg, &p->now.at);
	now = p->now;
	if (tick || stopping) {
		nbegun = p->nbegun;
		memcpy(begun, p->begun, nbegun * sizeof(begun[0]));
		p->nbegun = 0;
	}
	pthread_mutex_unlock(&p->lock);
	was_drawn = p->drawn;
	over = hear(p, stopping);
	if (tick && now.us)
		count(p, &now.at);
	ask = !p->json && may_ask(p, &now);
	if (ask)
		pass_open(p);
	if (p->json && (tick || stopping))
		print_news(p, begun, nbegun, now);
	if (!p->json && !stopping && (tick || ask || p->drawn != was_drawn))
		draw(p, &now);
	flush(p);
	if (stopping && !p->end)
		p->end = nse_now_us() + DRAIN_US;
	return stopping && (over || nse_now_us() >= p->end);
}

static void *show(void *arg)
{
	struct cmd_progress *p = arg;
	int64_t next = nse_now_us();
	struct pollfd fds[2] = {
		{ .fd = p->master, .events = POLLIN },
		{ .fd = p->kick, .events = POLLIN },
	};
	eventfd_t n;
	bool tick;

	do {
		poll(fds, 2, nse_poll_ms(next));
		eventfd_read(p->kick, &n);
		tick = nse_now_us() >= next;
		if (tick)
			next = nse_now_us() + TICK_US;
	} while (!look(p, tick));
	pass_open(p);
	erase(p);
	end_open(p);
	flush(p);
	return NULL;
}

/* Makes a pseudo-terminal, as wide as the real one, that passes bytes as they are. */
static int open_pty(struct cmd_progress *p)
{
	struct winsize size;
	struct termios raw;

	p->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (p->master < 0 || unlockpt(p->master) < 0)
		return -errno;
	p->slave = ioctl(p->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p->slave < 0 || tcgetattr(p->slave, &raw) < 0)
		return -errno;
	cfmakeraw(&raw);
	if (tcsetattr(p->slave, TCSANOW, &raw) < 0)
		return -errno;
	if (ioctl(p->tty, TIOCGWINSZ, &size) == 0)
		ioctl(p->slave, TIOCSWINSZ, &size);
	return 0;
}

static void release(struct cmd_progress *p)
{
	nse_closep(&p->tty);
	nse_closep(&p->master);
	nse_closep(&p->slave);
	nse_closep(&p->kick);
	pthread_mutex_destroy(&p->lock);
	free(p->target);
	free(p);
}

static int open_all(struct cmd_progress *p, const char *target)
{
	p->target = strdup(target);
	p->tty = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	p->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!p->target || p->tty < 0 || p->kick < 0)
		return -ENOMEM;
	if (open_pty(p) == 0)
		return 0;
	/* Objects can do without: at worst one stands behind half a message. */
	nse_closep(&p->master);
	nse_closep(&p->slave);
	return p->json ? 0 : -ENOTTY;
}

static int start_thread(struct cmd_progress *p)
{
	sigset_t all, old;
	int rc;

	/* Signals are the main thread's; SIGTTOU must not stop this one. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&p->thread, NULL, show, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -rc;
}

/* In the order of enum cmd_progress_when. */
const char *const cmd_progress_words[] = { "auto", "never", "json", NULL };

static bool wanted(int when, const struct cmd_common *common)
{
	const char *term = getenv("TERM");

	if (when != CMD_PROGRESS_AUTO)
		return when == CMD_PROGRESS_JSON;
	return !common->quiet && isatty(STDERR_FILENO) && term && *term &&
	       strcmp(term, "dumb") != 0;
}

struct cmd_progress *cmd_progress_start(int when, const struct cmd_common *common,
					const char *target, bool by_ssh)
{
	struct cmd_progress *p = wanted(when, common) ? calloc(1, sizeof(*p)) : NULL;

	if (!p)
		return NULL;
	p->tty = p->master = p->slave = p->kick = -1;
	p->json = when == CMD_PROGRESS_JSON;
	p->by_ssh = by_ssh;
	p->start = nse_now_us();
	pthread_mutex_init(&p->lock, NULL);
	if (open_all(p, target) < 0 || start_thread(p) < 0) {
		release(p);
		return NULL;
	}
	if (p->slave >= 0)
		dup2(p->slave, STDERR_FILENO);
	return p;
}

void cmd_progress_update(struct cmd_progress *p, const struct cmd_progress_at *now)
{
	struct moment m = { *now, nse_now_us() };
	bool hide;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	hide = cmd_progress_may_ask(now, p->by_ssh) &&
	       (!p->now.us || !cmd_progress_may_ask(&p->now.at, p->by_ssh));
	if ((!p->now.us || p->now.at.phase != now->phase) && p->nbegun < MOMENTS)
		p->begun[p->nbegun++] = m;
	p->now = m;
	p->ask = NULL;
	pthread_mutex_unlock(&p->lock);
	/* Before a question is asked where the line is. */
	if (hide)
		eventfd_write(p->kick, 1);
}

void cmd_progress_ask(struct cmd_progress *p,
		      void (*ask)(void *arg, struct cmd_progress_at *now), void *arg)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->ask = ask;
	p->arg = arg;
	pthread_mutex_unlock(&p->lock);
}

void cmd_progress_stop(struct cmd_progress *p)
{
	if (!p)
		return;
	dup2(p->tty, STDERR_FILENO);
	pthread_mutex_lock(&p->lock);
	p->ask = NULL;
	p->stopping = true;
	pthread_mutex_unlock(&p->lock);
	/* Behind all that was printed: what is not read then is not ours. */
	if (p->slave >= 0 && write(p->slave, "", 1) != 1)
		nse_closep(&p->slave);
	eventfd_write(p->kick, 1);
	pthread_join(p->thread, NULL);
	release(p);
}
