/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig shell: what its parts share.
 */
#ifndef NSE_CMD_SHELL_H
#define NSE_CMD_SHELL_H

#include "cmd/output.h"
#include "cmd/shell_context.h"
#include "cmd/shell_run.h"
#include "cmd/shell_takes.h"
#include "cmd/shell_words.h"

struct shell_known;

struct shell {
	struct cmd_common common;
	struct shell_signals signals;
	struct shell_context context;
	bool interactive; /* stdin is a terminal */
	bool no_input;	  /* the commands' stdin is /dev/null: ours is the script */
	bool quit;
	struct shell_known *known; /* what commands take, by name; owned */
	char *fields;		   /* of the context, see shell_fields.h; owned */
	unsigned long fields_of;   /* shell_context.taken */
	char *history;		   /* the file, or NULL; owned */
};

/* What the command takes (asked once), or NULL when it does not tell. */
const struct shell_takes *shell_known(struct shell *sh, const char *command);
void shell_known_release(struct shell *sh);

/* A command of the shell's own. */
struct shell_builtin {
	const char *name;
	const char *synopsis; /* behind the name, or "" */
	const char *help;
	/* Its words, words->v[0] is the name. Returns an exit status. */
	int (*call)(struct shell *sh, const struct shell_words *words);
	const char *operands; /* for completion, as in struct nse_usage */
	bool raw;	      /* v[1] is the rest of its line as it is */
};

/* Ended by one without a name. */
extern const struct shell_builtin shell_builtins[];
const struct shell_builtin *shell_builtin_find(const char *name);

/* Runs the commands of a line. Returns the status of the last one that was run. */
int shell_execute(struct shell *sh, const char *line);

/*
 * The terminal: a line (owned by the caller) with what the user wants to be done,
 * or NULL at the end (Ctrl-D, or a signal that ends the shell).
 */
int shell_input_open(struct shell *sh, struct nse_error *err);
char *shell_input_line(struct shell *sh);
void shell_input_close(struct shell *sh);
/* Prints the last n commands (0: all). */
void shell_input_history(size_t n);

/* Sets readline up to complete for this shell. */
void shell_complete_init(struct shell *sh);

#endif
