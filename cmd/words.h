/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `nsemig help --WORDS` prints for the completions, one word a line.
 */
#ifndef NSE_CMD_WORDS_H
#define NSE_CMD_WORDS_H

/* A page of the manual that is about no single command. */
struct cmd_guide {
	const char *topic; /* what `nsemig help` calls it */
	const char *section, *page;
	const char *help; /* one line, without a final full stop */
};

/* All of them, ended by one without a topic. */
extern const struct cmd_guide cmd_guides[];

/*
 * Calls each() with NAME of every program nsemig-NAME on PATH, sorted; a name may
 * come more than once.
 */
void cmd_each_program(void (*each)(void *arg, const char *name), void *arg);

/* Prints all that has the word in its name or its help. CMD_DIFFERS: nothing has. */
int cmd_apropos(const char *word);

/* Each prints its words and returns an exit status (cmd/cmd.h). */
int cmd_words_commands(void); /* NAME<TAB>HELP */
int cmd_words_topics(void);   /* the same, and the guides */
int cmd_words_engines(void);
int cmd_words_fields(void); /* NAME, or NAME<TAB>VALUE for each value */
int cmd_words_columns(void);
int cmd_words_hosts(void);
int cmd_words_domains(const char *platform); /* NULL: the default one */

/*
 * The domains of [USER@]HOST[:PORT], asked for at most three seconds and without a
 * question to the user: all of them, or none and a message.
 */
int cmd_words_domains_at(const char *target);

#endif
