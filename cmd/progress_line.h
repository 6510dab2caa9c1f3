/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The texts of the progress, without any terminal: the line for people, the object
 * for programs, and the messages that pass by.
 */
#ifndef NSE_CMD_PROGRESS_LINE_H
#define NSE_CMD_PROGRESS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/session/source.h"

#define CMD_PROGRESS_ROOM 1024

/* What is to be shown: how far a migration has come, or work on records. */
struct cmd_progress_at {
	/*
	 * The step of a migration (lib/session/source.h), or of work: read, collect,
	 * connect, send, wait, install, settle, verify.
	 */
	const char *phase;
	bool work;
	struct nse_move_progress memory; /* of a migration */
	uint64_t records;
	uint64_t total; /* of work: as many records there are, 0: not known */
	uint64_t sent;	/* bytes of the stream */
};

/* How much passed lately: the last samples, one in a quarter of a second. */
#define CMD_RATE_SAMPLES 9
struct cmd_rate {
	int64_t at[CMD_RATE_SAMPLES];
	uint64_t counts[CMD_RATE_SAMPLES];
	size_t n;
};

/*
 * Adds a sample of what is counted, bytes of memory or records: how much of that
 * passes in a second, 0 while that cannot be said.
 */
uint64_t cmd_rate_add(struct cmd_rate *r, int64_t now_us, uint64_t n);

/*
 * One line without its end, at most columns - 1 characters wide (0: 80
 * columns), since the last column would make some terminals go on to the next
 * line.
 */
const char *cmd_progress_line(const struct cmd_progress_at *p, const char *target,
			      int64_t elapsed_us, uint64_t rate, size_t columns,
			      char out[CMD_PROGRESS_ROOM]);

/* One JSON object (nsemig-json(5)) and a newline. */
const char *cmd_progress_json(const struct cmd_progress_at *p, int64_t elapsed_us,
			      char out[CMD_PROGRESS_ROOM]);

/*
 * May a program ask for a password on the terminal now? So it is as long as
 * the platform could tell of memory, and none has moved; and while ssh(1)
 * carries the link (by_ssh), until that is there. Of work that ssh(1) carries that
 * is not known: it may ask while nothing moves.
 */
bool cmd_progress_may_ask(const struct cmd_progress_at *p, bool by_ssh);

/* Puts what programs print together to whole lines. */
struct cmd_talk {
	char line[1024];
	size_t n;
	bool back; /* a carriage return came, and nothing behind it yet */
};

/*
 * Takes bytes. Calls line() with each line, without its newline. Text in front
 * of a carriage return was meant to be written over, and goes. Control
 * characters become '?'. A line that is too long is broken.
 */
void cmd_talk_put(struct cmd_talk *t, const char *p, size_t n,
		  void (*line)(void *arg, const char *text, size_t n), void *arg);

#endif
