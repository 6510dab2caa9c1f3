/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prints option tables: the usage text, and the machine-readable lines that
 * the shells' completions are made of.
 */
#include "cmd/usage.h"

#include <stdbool.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/util/cleanup.h"

#define HELP_COLUMN 30

static void print_option(const struct nse_opt *o, FILE *to)
{
	char left[96];
	char letter[5] = { '-', o->letter, ',', ' ', '\0' };
	int n;

	n = snprintf(left, sizeof(left), "  %-4s--%s%s%s%s", o->letter ? letter : "",
		     o->flags & NSE_OPT_NEGATABLE ? "[no-]" : "", o->name,
		     o->arg ? " " : "", o->arg ? o->arg : "");
	if (n < HELP_COLUMN - 1)
		fprintf(to, "%-*s%s\n", HELP_COLUMN, left, o->help);
	else
		fprintf(to, "%s\n%*s%s\n", left, HELP_COLUMN, "", o->help);
}

static void print_group(const char *title, const struct nse_opt *opts, FILE *to)
{
	fprintf(to, "\n%s:\n", title ? title : "Options");
	for (const struct nse_opt *o = opts; o->kind != NSE_OPT_K_END; o++)
		if (!(o->flags & NSE_OPT_HIDDEN))
			print_option(o, to);
}

void nse_usage_synopsis(const struct nse_usage *usage, FILE *to)
{
	const char *lead = "Usage: ";

	for (const char *const *s = usage->synopsis; s && *s; s++) {
		fprintf(to, "%snsemig %s %s\n", lead, usage->name, *s);
		lead = "       ";
	}
}

void nse_usage_print(const struct nse_usage *usage, const struct nse_opt_group *groups,
		     FILE *to)
{
	const struct cmd_row *row = cmd_find(usage->name);

	nse_usage_synopsis(usage, to);
	if (row)
		fprintf(to, "\n%s.\n", row->help);
	for (const struct nse_opt_group *g = groups; g && g->opts; g++)
		print_group(g->title, g->opts, to);
	print_group("Common", nse_opts_common, to);
	if (usage->notes)
		fprintf(to, "\n%s\n", usage->notes);
}

/* What completes the option's value, guessed from its name in -h if need be. */
static const char *completion(const struct nse_opt *o)
{
	static const char *const kinds[][2] = {
		{ "FILE", "file" },	   { "DIR", "dir" },	   { "EXPR", "filter" },
		{ "NAME,...", "columns" }, { "[-]FIELD", "sort" },
	};

	if (o->complete || !o->arg)
		return o->complete ? o->complete : "-";
	for (size_t i = 0; i < NSE_ARRAY_SIZE(kinds); i++)
		if (strcmp(o->arg, kinds[i][0]) == 0)
			return kinds[i][1];
	return "-";
}

static void list_group(const struct nse_opt *opts, FILE *to)
{
	for (const struct nse_opt *o = opts; o->kind != NSE_OPT_K_END; o++) {
		char letter[3] = { '-', o->letter, '\0' };

		if (o->flags & NSE_OPT_HIDDEN)
			continue;
		fprintf(to, "option\t--%s\t%s\t%s\t", o->name, letter,
			o->arg ? o->arg : "-");
		if (o->choices) {
			for (int i = 0; o->choices[i]; i++)
				fprintf(to, "%s%s", i ? "|" : "words:", o->choices[i]);
		} else {
			fputs(completion(o), to);
		}
		fprintf(to, "\t%s\n", o->help);
		if (o->flags & NSE_OPT_NEGATABLE)
			fprintf(to, "option\t--no-%s\t-\t-\t-\tnot: %s\n", o->name,
				o->help);
	}
}

void nse_usage_list(const struct nse_usage *usage, const struct nse_opt_group *groups,
		    FILE *to)
{
	fprintf(to, "operands\t%s\n", usage->operands ? usage->operands : "none");
	for (const struct nse_opt_group *g = groups; g && g->opts; g++)
		list_group(g->opts, to);
	list_group(nse_opts_common, to);
}

static const char *next_option(const void *arg, size_t i)
{
	const struct nse_opt_group *g = arg;

	for (; g && g->opts; g++)
		for (const struct nse_opt *o = g->opts; o->kind != NSE_OPT_K_END; o++)
			if (!(o->flags & NSE_OPT_HIDDEN) && i-- == 0)
				return o->name;
	for (const struct nse_opt *o = nse_opts_common; o->kind != NSE_OPT_K_END; o++)
		if (i-- == 0)
			return o->name;
	return NULL;
}

const char *nse_usage_nearest(const struct nse_opt_group *groups, const char *name)
{
	return nse_nearest(name, next_option, groups);
}
