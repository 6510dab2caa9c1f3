/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words that completions offer. Nothing here may take long: a user waits
 * behind the tabulator.
 */
#include "cmd/words.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/fields.h"
#include "cmd/groups.h"
#include "cmd/hosts.h"
#include "cmd/show_columns.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

/* The values of fields that have few. */
static const struct {
	const char *name, *values;
} known[] = {
	{ "engine", "conntrack|expect|nft" },
	{ "type", "entry|expectation|table|chain|rule|set|element" },
	{ "family", "ipv4|ipv6|inet|ip|ip6|bridge|arp|netdev" },
	{ "proto", "tcp|udp|icmp|icmpv6|sctp|gre|dccp|udplite" },
	{ "state", "SYN_SENT|SYN_RECV|ESTABLISHED|FIN_WAIT|CLOSE_WAIT|LAST_ACK|TIME_WAIT|"
		   "CLOSE" },
	{ "status", "seen-reply|assured|src-nat|dst-nat|fixed-timeout|helper|expected" },
};

const struct cmd_guide cmd_guides[] = {
	{ "tutorial", "8", "nsemig", "The manual as a whole, with a tutorial" },
	{ "conf", "5", "nsemig.conf", "The configuration" },
	{ "json", "5", "nsemig-json", "The JSON, and the fields of filters" },
	{ "stream", "5", "nsemig-stream", "The format of contexts" },
	{ "internals", "7", "nsemig-internals", "How a move works inside" },
	{ NULL, NULL, NULL, NULL },
};

void cmd_each_program(void (*each)(void *arg, const char *name), void *arg)
{
	const char *path = getenv("PATH");
	NSE_FREE char *dirs = strdup(path ? path : "");
	char *rest = dirs, *dir;
	glob_t found;
	int flags = 0;

	while (rest && (dir = strsep(&rest, ":"))) {
		NSE_FREE char *pattern = NULL;

		if (asprintf(&pattern, "%s/nsemig-*", *dir ? dir : ".") < 0)
			break;
		glob(pattern, flags, NULL, &found);
		flags = GLOB_APPEND;
	}
	for (size_t i = 0; flags && i < found.gl_pathc; i++)
		if (access(found.gl_pathv[i], X_OK) == 0)
			each(arg, strstr(strrchr(found.gl_pathv[i], '/'), "nsemig-") + 7);
	if (flags)
		globfree(&found);
}

static void print_program(void *arg, const char *name)
{
	(void)arg;
	printf("%s\tThe program nsemig-%s\n", name, name);
}

int cmd_words_commands(void)
{
	for (const struct cmd_row *row = cmd_rows; row->name; row++)
		if (!(row->flags & CMD_HIDDEN))
			printf("%s\t%s\n", row->name, row->help);
	cmd_each_program(print_program, NULL);
	return CMD_DONE;
}

int cmd_words_topics(void)
{
	for (const struct cmd_guide *g = cmd_guides; g->topic; g++)
		printf("%s\t%s\n", g->topic, g->help);
	return cmd_words_commands();
}

int cmd_words_engines(void)
{
	for (size_t i = 0; nse_engines[i]; i++)
		printf("%s\n", nse_engines[i]->name);
	return CMD_DONE;
}

static void print_values(const char *name, const char *values)
{
	for (size_t n; *values; values += n + (values[n] == '|')) {
		n = strcspn(values, "|");
		printf("%s\t%.*s\n", name, (int)n, values);
	}
}

int cmd_words_fields(void)
{
	const char *name;

	for (size_t i = 0; (name = cmd_field_name(NULL, i)); i++)
		printf("%s\n", name);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(known); i++)
		print_values(known[i].name, known[i].values);
	return CMD_DONE;
}

int cmd_words_columns(void)
{
	const char *name;

	for (size_t i = 0; (name = show_column_name(i)); i++)
		printf("%s\n", name);
	return CMD_DONE;
}

static int print_host(void *arg, const char *name)
{
	(void)arg;
	printf("%s\n", name);
	return 0;
}

/* Those that have a section [host NAME]. */
static void print_configured_hosts(void)
{
	NSE_CLEANUP(nse_config_release) struct nse_config c = { .nvalues = 0 };
	const char *last = "";

	if (nse_config_load(&c, NULL) < 0)
		return;
	for (size_t i = 0; i < c.nvalues; i++) {
		const struct nse_config_value *v = &c.values[i];

		if (strcmp(v->key->section, "host") || strcmp(v->subject, last) == 0)
			continue;
		last = v->subject;
		printf("%s\n", last);
	}
}

int cmd_words_hosts(void)
{
	print_configured_hosts();
	cmd_each_host(print_host, NULL);
	return CMD_DONE;
}

static int print_domain(void *arg, const struct nse_domain *d)
{
	(void)arg;
	printf("%s\n", d->name);
	return 0;
}

int cmd_words_domains(const char *platform)
{
	NSE_CLEANUP(cmd_env_release) struct cmd_env env = CMD_ENV_INIT;
	struct nse_error err = { 0 };

	if (cmd_env_open(&env, platform, &err) < 0)
		return cmd_fail(&err);
	if (env.platform &&
	    env.platform->ops->list(env.platform, print_domain, NULL, &err) < 0)
		return cmd_fail(&err);
	for (size_t i = 0; i < env.config.ndomains; i++)
		print_domain(NULL, &env.config.domains[i].domain);
	return CMD_DONE;
}
