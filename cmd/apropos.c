/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig help -k WORD: commands, options, keys of the configuration and guides whose
 * name or line of help has the word.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/shell_run.h"
#include "cmd/words.h"
#include "lib/util/cleanup.h"
#include "lib/util/config.h"

#define NAME_COLUMNS  28
#define OPTIONS_MAX   256
#define COMMANDS_ROOM 256

/* An option that commands have in common is told once. */
struct option {
	char *text; /* NAME ARG<TAB>HELP; owned */
	char commands[COMMANDS_ROOM];
	size_t n; /* of them */
};

struct apropos {
	const char *word;
	size_t hits, commands;
	struct option options[OPTIONS_MAX];
	size_t n;
};

static void print(const char *name, const char *help)
{
	if (strlen(name) < NAME_COLUMNS)
		printf("%-*s%s\n", NAME_COLUMNS, name, help);
	else
		printf("%s\n%*s%s\n", name, NAME_COLUMNS, "", help);
}

static void offer(struct apropos *a, const char *lead, const char *name, const char *help)
{
	char text[128];

	if (!strcasestr(name, a->word) && !strcasestr(help, a->word))
		return;
	snprintf(text, sizeof(text), "%s%s", lead, name);
	print(text, help);
	a->hits++;
}

static void offer_keys(struct apropos *a)
{
	for (const struct nse_config_key *k = nse_config_keys; k->name; k++) {
		char name[64];

		snprintf(name, sizeof(name), "%s.%s%s", k->section,
			 nse_config_named(k->section) ? "NAME." : "", k->name);
		if (strcasestr(name, a->word)) {
			print(name, "key of nsemig.conf(5)");
			a->hits++;
		}
	}
}

/* text is taken over. */
static void add_option(struct apropos *a, const char *command, char *text)
{
	struct option *o = a->options;
	size_t len;

	while (text && o < a->options + a->n && strcmp(o->text, text))
		o++;
	if (!text || o == a->options + OPTIONS_MAX) {
		free(text);
		return;
	}
	if (o == a->options + a->n) {
		o->text = text;
		a->n++;
	} else {
		free(text);
	}
	len = strlen(o->commands);
	snprintf(o->commands + len, COMMANDS_ROOM - len, "%s%s", len ? ", " : "",
		 command);
	o->n++;
}

/* A line of nse_usage_list(): option, --NAME, letter, ARG, kind, help. */
static void look_at_option(struct apropos *a, const char *command, char *line)
{
	const char *fields[6];
	char *text;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(fields); i++)
		fields[i] = strsep(&line, "\t");
	if (!fields[5] || strcmp(fields[0], "option") ||
	    (!strcasestr(fields[1], a->word) && !strcasestr(fields[5], a->word)))
		return;
	if (asprintf(&text, "%s%s%s\t%s", fields[1], strcmp(fields[3], "-") ? " " : "",
		     strcmp(fields[3], "-") ? fields[3] : "", fields[5]) >= 0)
		add_option(a, command, text);
}

/* Each command tells its options itself. */
static void look_at_command(struct apropos *a, const char *name)
{
	char *argv[] = { (char *)name, "--list-options", NULL };
	const struct shell_job job = { .argc = 2, .argv = argv };
	NSE_FREE char *list = shell_capture(&job);
	char *rest = list, *line;

	while ((line = strsep(&rest, "\n")))
		look_at_option(a, name, line);
}

static void print_options(struct apropos *a)
{
	for (size_t i = 0; i < a->n; i++) {
		struct option *o = &a->options[i];
		char *help = o->text, *name = strsep(&help, "\t");

		print(name, help);
		printf("%*s(%s)\n", NAME_COLUMNS, "",
		       o->n == a->commands ? "every command" : o->commands);
		free(o->text);
	}
	a->hits += a->n;
}

int cmd_apropos(const char *word)
{
	struct apropos a = { .word = word };

	for (const struct cmd_row *row = cmd_rows; row->name; row++)
		if (!(row->flags & CMD_HIDDEN)) {
			offer(&a, "nsemig ", row->name, row->help);
			look_at_command(&a, row->name);
			a.commands++;
		}
	for (const struct cmd_guide *g = cmd_guides; g->topic; g++)
		offer(&a, "nsemig help ", g->topic, g->help);
	print_options(&a);
	offer_keys(&a);
	if (!a.hits)
		fprintf(stderr, "nsemig: help: nothing is about '%s'\n", word);
	return a.hits ? CMD_DONE : CMD_DIFFERS;
}
