/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Output for people and for programs: colour, tables, JSON, numbers.
 * stdout is data, stderr is talk.
 */
#ifndef NSE_CMD_OUTPUT_H
#define NSE_CMD_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "cmd/options.h"
#include "lib/util/error.h"

/* May `stream` be coloured? (--color, NO_COLOR, TERM=dumb, is it a terminal) */
bool cmd_color_on(const struct cmd_common *common, FILE *stream);

/* Columns of the terminal that stdout is, through a pager too ($COLUMNS, else as it
 * is now); 0 when it is none. */
size_t cmd_width(const struct cmd_common *common);

/* Escape sequences; each is "" when `on` is false. */
enum cmd_style {
	CMD_PLAIN,
	CMD_BOLD,
	CMD_DIM,
	CMD_RED,
	CMD_GREEN,
	CMD_YELLOW,
	CMD_CYAN,
	CMD_MOVED_FROM, /* a line that stands elsewhere, too, as git has it */
	CMD_MOVED_TO,
};
const char *cmd_style(bool on, enum cmd_style style);

/* "1,234,567" into out. */
#define CMD_NUMBER 32
const char *cmd_number(uint64_t n, char out[CMD_NUMBER]);
/* "17.3 MiB", "1.234 s", "12 ms" */
const char *cmd_bytes(uint64_t n, char out[CMD_NUMBER]);
const char *cmd_duration(int64_t us, char out[CMD_NUMBER]);
/* Seconds >= 0 in their two greatest units: "4 min 59 s", "2 h", "3 d 4 h". */
const char *cmd_span(int64_t seconds, char out[CMD_NUMBER]);
/* RFC 3339 in UTC with microseconds. */
#define CMD_TIME 40
const char *cmd_time(int64_t realtime_us, char out[CMD_TIME]);

/* Prints "nsemig: …" on stderr unless quiet. */
void cmd_say(const struct cmd_common *common, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints one JSON value and a newline on stdout, and drops the reference. */
int cmd_json_print(json_t *json, struct nse_error *err);

/*
 * Text from a file or a peer for a terminal: control characters, those that turn
 * the direction of the text around, and what is no UTF-8 become \xNN. out has room
 * bytes.
 */
const char *cmd_safe(const char *text, char *out, size_t room);

/* Flushes stdout: 0, or -errno with a text (a full disk, a closed pipe). */
int cmd_flush(struct nse_error *err);

/*
 * A table by libsmartcols; of a long one only the first rows are in memory.
 */
struct cmd_column {
	const char *title;
	bool right;
	bool cut; /* may be shortened to fit a terminal; what is cut ends in '+' */
};
struct cmd_table;

int cmd_table_new(struct cmd_table **t, const struct cmd_column *columns, size_t n,
		  bool color, struct nse_error *err);
/* Before the first row: the lines shall fit a terminal as wide as this (0: any). */
void cmd_table_fit(struct cmd_table *t, size_t columns);
/* Before the first row: no titles. */
void cmd_table_bare(struct cmd_table *t);
/* cells[i] may be NULL (empty); copied. 0 or -ENOMEM. */
int cmd_table_row(struct cmd_table *t, const char *const *cells, enum cmd_style style);
/* Prints what is left; without rows nothing at all. */
int cmd_table_end(struct cmd_table *t);
void cmd_table_free(struct cmd_table *t);
void cmd_table_freep(struct cmd_table **t);

#endif
