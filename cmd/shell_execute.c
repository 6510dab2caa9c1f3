/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a line to what is run: the shell's own commands in this process, all
 * others in a child.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/shell.h"
#include "lib/util/cleanup.h"

struct shell_known {
	struct shell_known *next;
	char *command;
	bool told;
	struct shell_takes takes;
};

/* A program nsemig-NAME need not know --list-options: only commands are asked. */
static int list_options(struct shell_known *k)
{
	char *argv[] = { k->command, "--list-options", NULL };
	struct shell_job job = { .argc = 2, .argv = argv };

	if (strcmp(k->command, "open") == 0)
		job.call = shell_open_call;
	else if (!cmd_find(k->command))
		return -ENOENT;
	return shell_takes_load(&k->takes, &job);
}

const struct shell_takes *shell_known(struct shell *sh, const char *command)
{
	struct shell_known *k = sh->known;

	while (k && strcmp(k->command, command))
		k = k->next;
	if (k)
		return k->told ? &k->takes : NULL;
	k = calloc(1, sizeof(*k));
	if (!k || !(k->command = strdup(command))) {
		free(k);
		return NULL;
	}
	k->told = list_options(k) == 0;
	k->next = sh->known;
	sh->known = k;
	return k->told ? &k->takes : NULL;
}

void shell_known_release(struct shell *sh)
{
	struct shell_known *next;

	for (struct shell_known *k = sh->known; k; k = next) {
		next = k->next;
		shell_takes_release(&k->takes);
		free(k->command);
		free(k);
	}
	sh->known = NULL;
}

struct builtin_call {
	struct shell *sh;
	const struct shell_builtin *b;
	const struct shell_words *words;
};

static int call_builtin(void *arg, int argc, char **argv)
{
	struct builtin_call *c = arg;

	(void)argc;
	(void)argv;
	return c->b->call(c->sh, c->words);
}

/* With a pipe behind it, it runs in a child as others do. */
static int run_builtin(struct shell *sh, const struct shell_builtin *b,
		       const struct shell_words *w)
{
	struct builtin_call c = { sh, b, w };
	struct shell_job job = { (int)w->n, w->v, call_builtin, &c, w->tail, false };

	if (w->n == 2 && !b->raw &&
	    (!strcmp(w->v[1], "-h") || !strcmp(w->v[1], "--help")) &&
	    strcmp(b->name, "open")) {
		printf("Usage: %s %s\n\n%s.\n", b->name, b->synopsis, b->help);
		return CMD_DONE;
	}
	return w->tail ? shell_run(&sh->signals, &job) : b->call(sh, w);
}

static int run_command(struct shell *sh, const struct shell_words *w)
{
	const struct shell_takes *takes = shell_known(sh, w->v[0]);
	struct shell_argv argv = { NULL, 0 };
	struct shell_job job = { .tail = w->tail, .no_input = sh->no_input };
	struct nse_error err = { 0 };
	int rc = 0, status;

	if (takes)
		rc = shell_context_words(&sh->context, takes, w->v, w->n, &argv, &err);
	for (size_t i = 0; !takes && rc == 0 && i < w->n; i++)
		rc = shell_argv_add(&argv, w->v[i]);
	if (rc < 0) {
		shell_argv_release(&argv);
		return cmd_fail(&err);
	}
	job.argc = (int)argv.n;
	job.argv = argv.v;
	status = shell_run(&sh->signals, &job);
	shell_argv_release(&argv);
	return status;
}

static bool says_nothing(const struct shell_words *w)
{
	return w->n == 0 && !w->tail;
}

/* Words that were split: "nsemig" ahead of them is what a copied line has. */
static int run_words(struct shell *sh, struct shell_words *w)
{
	const struct shell_builtin *b;

	if (w->quote) {
		fprintf(stderr, "nsemig: the quotation that %c begins does not end\n",
			w->quote);
		return CMD_USAGE;
	}
	if (w->n > 1 && strcmp(w->v[0], "nsemig") == 0) {
		free(w->v[0]);
		memmove(w->v, w->v + 1, w->n-- * sizeof(*w->v));
	}
	if (says_nothing(w))
		return CMD_DONE;
	if (!w->n) {
		fprintf(stderr, "nsemig: there is no command ahead of %c\n", *w->tail);
		return CMD_USAGE;
	}
	if (strcmp(w->v[0], "shell") == 0) {
		fprintf(stderr, "nsemig: this is the shell already: use open\n");
		return CMD_USAGE;
	}
	b = shell_builtin_find(w->v[0]);
	return b ? run_builtin(sh, b, w) : run_command(sh, w);
}

/* The builtin that takes the rest of its line as it is, and where that begins. */
static const struct shell_builtin *raw_builtin(const char *line, const char **rest)
{
	char name[32] = "";
	size_t n = strcspn(line, " \t;#|>");
	const struct shell_builtin *b;

	if (n < sizeof(name))
		memcpy(name, line, n);
	b = shell_builtin_find(name);
	*rest = line + n + strspn(line + n, " \t");
	return b && b->raw ? b : NULL;
}

static int run_raw(struct shell *sh, const struct shell_builtin *b, const char *rest,
		   const char **next)
{
	size_t n = shell_words_raw(rest, next);
	NSE_FREE char *text = strndup(rest, n);
	char *v[] = { (char *)b->name, text, NULL };
	struct shell_words w = { .v = v, .n = n ? 2 : 1 };

	return text ? b->call(sh, &w) : CMD_FAILED;
}

int shell_execute(struct shell *sh, const char *line)
{
	int status = CMD_DONE;

	while (line && !sh->quit && status < CMD_USAGE) {
		struct shell_words w = { .v = NULL };
		const struct shell_builtin *raw;
		struct nse_error err = { 0 };
		const char *rest;

		line += strspn(line, " \t");
		if (*line == '!')
			return shell_run_sh(&sh->signals, line + 1, sh->no_input);
		raw = raw_builtin(line, &rest);
		if (raw) {
			status = run_raw(sh, raw, rest, &line);
			continue;
		}
		if (shell_words_split(&w, line, &err) < 0)
			return cmd_fail(&err);
		if (!says_nothing(&w))
			status = run_words(sh, &w);
		line = w.next;
		shell_words_release(&w);
	}
	return status;
}
