/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the kind of a place to the words that may stand there: commands and options
 * from their tables, names from this host, fields and values from the context.
 */
#include "cmd/shell_candidates.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/shell_fields.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

struct finding {
	struct shell *sh;
	struct shell_place *place;
	struct shell_candidates *c;
};

/* Adds what stays of the word, and the rest, if it begins as the word does. */
static int add_with(struct finding *f, const char *lead, const char *rest,
		    const char *tail)
{
	const char *typed = f->place->word + f->place->stem;
	NSE_FREE char *word = NULL;
	size_t n = strlen(typed);

	if (asprintf(&word, "%.*s%s%s%s", (int)f->place->stem, f->place->word, lead, rest,
		     tail) < 0) {
		word = NULL;
		return -ENOMEM;
	}
	if (strncmp(word + f->place->stem, typed, n))
		return 0;
	return shell_argv_add(&f->c->words, word);
}

static int add(struct finding *f, const char *rest)
{
	return add_with(f, "", rest, "");
}

static int add_commands(struct finding *f, bool builtins)
{
	int rc = 0;

	for (const struct cmd_row *row = cmd_rows; rc == 0 && row->name; row++)
		if (!(row->flags & CMD_HIDDEN) && strcmp(row->name, "shell") &&
		    !shell_builtin_find(row->name))
			rc = add(f, row->name);
	for (const struct shell_builtin *b = shell_builtins; rc == 0 && b->name; b++)
		if (builtins)
			rc = add(f, b->name);
	return rc;
}

static int add_options(struct finding *f)
{
	const struct shell_takes *t = shell_known(f->sh, f->place->command);
	int rc = 0;

	for (size_t i = 0; t && rc == 0 && i < t->n; i++)
		rc = add(f, t->options[i].name);
	return rc;
}

/* Words that stand in one text, parted by one character. */
static int add_parted(struct finding *f, const char *text, char by)
{
	int rc = 0;

	while (text && *text && rc == 0) {
		size_t n = strcspn(text, (char[]){ by, '\n', '\0' });
		NSE_FREE char *one = strndup(text, n);

		rc = !one ? -ENOMEM : *one ? add(f, one) : 0;
		text += n + (text[n] != '\0');
	}
	return rc;
}

/* What a command prints, one a line, between lead and tail. */
static int add_output(struct finding *f, const char *lead, char *const *words,
		      const char *tail)
{
	struct shell_job job = { .argv = (char **)words };
	NSE_FREE char *text = NULL;
	char *rest, *line;
	int rc = 0;

	while (words[job.argc])
		job.argc++;
	text = shell_capture(&job);
	rest = text;
	while (rc == 0 && (line = strsep(&rest, "\n"))) {
		line[strcspn(line, "\t")] = '\0';
		if (*line)
			rc = add_with(f, lead, line, tail);
	}
	return rc;
}

static int add_domains(struct finding *f, const char *lead)
{
	return add_output(f, lead, (char *[]){ "help", "--domains", NULL }, "");
}

static int add_vifs(struct finding *f)
{
	DIR *d = opendir("/sys/class/net");
	struct dirent *e;
	int rc = 0;

	while (d && rc == 0 && (e = readdir(d)))
		if (e->d_name[0] != '.')
			rc = add(f, e->d_name);
	if (d)
		closedir(d);
	return rc;
}

/* A list: what stands ahead of its last comma stays. */
static void behind_comma(struct shell_place *p)
{
	const char *comma = strrchr(p->word + p->stem, ',');

	if (comma)
		p->stem = (size_t)(comma + 1 - p->word);
}

static int add_engines(struct finding *f)
{
	int rc = 0;

	behind_comma(f->place);
	for (size_t i = 0; rc == 0 && nse_engines[i]; i++)
		rc = add(f, nse_engines[i]->name);
	return rc;
}

static int add_hosts(struct finding *f, const char *tail)
{
	const char *at = strrchr(f->place->word + f->place->stem, '@');

	if (at)
		f->place->stem = (size_t)(at + 1 - f->place->word);
	return add_output(f, "", (char *[]){ "help", "--hosts", NULL }, tail);
}

static int add_fields(struct finding *f)
{
	const char *line = shell_fields(f->sh);
	int rc = 0;

	for (; line && *line && rc == 0; line = strchr(line, '\n') + 1) {
		size_t n = strcspn(line, "\t\n");
		NSE_FREE char *name = strndup(line, n);

		if (!name)
			return -ENOMEM;
		if (line[n] == '\n')
			rc = add(f, name);
		if (!strchr(line, '\n'))
			break;
	}
	return rc;
}

static int add_values(struct finding *f, const char *field)
{
	const char *line = shell_fields(f->sh);
	size_t n = strlen(field);
	int rc = 0;

	for (; line && *line && rc == 0; line = strchr(line, '\n') + 1) {
		NSE_FREE char *value = NULL;

		if (strncmp(line, field, n) == 0 && line[n] == '\t') {
			value = strndup(line + n + 1, strcspn(line + n + 1, "\n"));
			/* In an expression a value with blanks would need quotes. */
			rc = !value			? -ENOMEM
			     : strpbrk(value, " ()'\"") ? 0
							: add(f, value);
		}
		if (!strchr(line, '\n'))
			break;
	}
	return rc;
}

static int add_filter(struct finding *f)
{
	struct shell_place *p = f->place;
	struct shell_filter_place at;

	shell_filter_place(p->word + p->stem, &at);
	p->stem += at.at;
	/* The expression goes on: its quotation does not end here. */
	f->c->open = !p->raw;
	switch (at.what) {
	case SHELL_FIELD:
		f->c->append = '=';
		return add_fields(f);
	case SHELL_VALUE:
		return add_values(f, at.field);
	case SHELL_WORD:
		return add(f, "and") ?: add(f, "or");
	case SHELL_OPERATOR:
		break;
	}
	return 0;
}

/* Those that show makes itself, and every field. */
static int add_columns(struct finding *f)
{
	behind_comma(f->place);
	return add_parted(f, "source|destination|reply|master|info|record|fields|#", '|')
		       ?: add_fields(f);
}

/* HOST:DOMAIN, with the domains that the host tells. */
static int add_far(struct finding *f, const char *word, size_t n)
{
	NSE_FREE char *host = strndup(word, n);

	f->place->stem += n + 1;
	return host ? add_output(f, "",
				 (char *[]){ "help", "--domains", "--at", host, NULL },
				 "")
		    : -ENOMEM;
}

/* Files, domains with a lead, and HOST: of those elsewhere. */
static int add_contexts(struct finding *f, const char *lead)
{
	const char *word = f->place->word + f->place->stem;
	const char *colon = strrchr(word, ':');
	int rc;

	if (*word == '@')
		return add_domains(f, lead);
	if (colon && colon > word && !strchr(word, '/'))
		return add_far(f, word, (size_t)(colon - word));
	f->c->files = true;
	rc = add_domains(f, lead);
	if (rc == 0 && *word && !strchr(word, '/'))
		rc = add_hosts(f, ":");
	return rc;
}

static int add_kind(struct finding *f, const char *kind)
{
	if (strcmp(kind, "command") == 0 && f->place->command[0] == '\0')
		return add_commands(f, true);
	if (strcmp(kind, "command-name") == 0)
		return add_commands(f, true);
	if (strcmp(kind, "option") == 0)
		return add_options(f);
	if (strncmp(kind, "words:", 6) == 0)
		return add_parted(f, kind + 6, '|');
	if (strcmp(kind, "vif") == 0)
		return add_vifs(f);
	if (strcmp(kind, "engine") == 0)
		return add_engines(f);
	if (strcmp(kind, "platform") == 0)
		return add_parted(f, "xen|script:", '|');
	if (strcmp(kind, "host") == 0)
		return add_hosts(f, "");
	if (strcmp(kind, "scope") == 0)
		return add_domains(f, "");
	if (strcmp(kind, "config-key") == 0)
		return add_output(f, "", (char *[]){ "config", "--keys", NULL }, "");
	if (strcmp(kind, "filter") == 0)
		return add_filter(f);
	if (strcmp(kind, "columns") == 0)
		return add_columns(f);
	if (strcmp(kind, "any-context") == 0)
		return add_contexts(f, "");
	/* In the shell a domain may be without its @, beside a context. */
	if (strcmp(kind, "file-or-live") == 0)
		return add_contexts(
			f, f->sh->context.file && f->place->word[f->place->stem] != '@'
				   ? ""
				   : "@");
	f->c->files = !strcmp(kind, "file") || !strcmp(kind, "dir") ||
		      !strcmp(kind, "shell") || !strcmp(kind, "command") ||
		      !strcmp(kind, "scope-or-file");
	return strcmp(kind, "scope-or-file") == 0 ? add_domains(f, "") : 0;
}

/* Behind HOST: the word goes on. A host may be among the candidates twice. */
static bool ends_open(const struct shell_argv *words)
{
	for (size_t i = 0; i < words->n; i++)
		if (words->v[i][strlen(words->v[i]) - 1] != ':')
			return false;
	return words->n > 0;
}

int shell_candidates_find(struct shell *sh, struct shell_place *place,
			  struct shell_candidates *c)
{
	struct finding f = { sh, place, c };
	int rc;

	*c = (struct shell_candidates){ .append = ' ' };
	rc = add_kind(&f, place->kind);
	/* A filter that is being typed can end with "off", too. */
	if (rc == 0 && place->raw && place->stem == 0)
		rc = add(&f, "off");
	if (rc == 0 && ends_open(&c->words))
		c->append = '\0';
	if (rc < 0)
		shell_argv_release(&c->words);
	return rc;
}
