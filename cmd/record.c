/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records as text. What has no name that is known here is shown as NAME=VALUE,
 * so that an engine's new fields need nothing here.
 */
#include "cmd/record.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/output.h"
#include "lib/util/cleanup.h"

#define MAX_DEPTH 8

const json_t *cmd_field(const json_t *rec, const char *name)
{
	static const char *const parts[] = { "key", "body", "state" };

	for (size_t i = 0; i < NSE_ARRAY_SIZE(parts); i++) {
		const json_t *v = json_object_get(json_object_get(rec, parts[i]), name);

		if (v)
			return v;
	}
	return NULL;
}

static void append(char *out, const char *text)
{
	size_t len = strlen(out);

	if (len + 1 < CMD_TEXT)
		snprintf(out + len, CMD_TEXT - len, "%s", text);
}

static void append_value(char *out, const json_t *value);

/* A list in a list, as the flags of both directions: "[sack-perm be-liberal]". */
static void append_list(char *out, const json_t *list)
{
	const json_t *v;
	size_t i;

	append(out, "[");
	json_array_foreach(list, i, v)
	{
		if (i)
			append(out, " ");
		append_value(out, v);
	}
	append(out, "]");
}

static void append_value(char *out, const json_t *value)
{
	NSE_FREE char *dump = NULL;
	char text[CMD_TEXT];

	if (json_is_array(value)) {
		append_list(out, value);
		return;
	}

	if (json_is_string(value)) {
		append(out, cmd_safe(json_string_value(value), text, sizeof(text)));
		return;
	}
	if (json_is_integer(value)) {
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
		append(out, text);
		return;
	}
	dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
	append(out, dump ? dump : "?");
}

const char *cmd_value(const json_t *value, char out[CMD_TEXT])
{
	const json_t *v;
	size_t i;

	out[0] = '\0';
	if (!value)
		return out;
	if (!json_is_array(value)) {
		append_value(out, value);
		return out;
	}
	json_array_foreach(value, i, v)
	{
		if (i)
			append(out, ",");
		append_value(out, v);
	}
	return out;
}

const char *cmd_endpoint(const json_t *tuple, const char *addr, const char *port,
			 char out[CMD_TEXT])
{
	const json_t *a = json_object_get(tuple, addr), *p = json_object_get(tuple, port);
	const char *text = json_string_value(a);
	bool bracket = p && text && strchr(text, ':');
	char part[CMD_TEXT];

	out[0] = '\0';
	if (!a)
		return out;
	append(out, bracket ? "[" : "");
	append(out, cmd_value(a, part));
	append(out, bracket ? "]" : "");
	if (p) {
		append(out, ":");
		append(out, cmd_value(p, part));
	}
	return out;
}

static bool in_endpoint(const char *name)
{
	static const char *const known[] = { "family", "proto", "src",
					     "sport",  "dst",	"dport" };

	for (size_t i = 0; i < NSE_ARRAY_SIZE(known); i++)
		if (strcmp(known[i], name) == 0)
			return true;
	return false;
}

static void append_pair(void *arg, const char *name, const char *value)
{
	if (in_endpoint(name))
		return;
	append(arg, " ");
	append(arg, name);
	append(arg, "=");
	append(arg, value);
}

const char *cmd_record_name(const json_t *rec, char out[CMD_TEXT])
{
	const json_t *key = json_object_get(rec, "key");
	char part[CMD_TEXT];

	cmd_value(json_object_get(rec, "engine"), out);
	append(out, " ");
	append(out, cmd_value(json_object_get(rec, "type"), part));
	if (json_object_get(key, "proto")) {
		append(out, " ");
		append(out, cmd_value(json_object_get(key, "proto"), part));
	}
	if (json_object_get(key, "src")) {
		append(out, " ");
		append(out, cmd_endpoint(key, "src", "sport", part));
	}
	if (json_object_get(key, "dst")) {
		append(out, " -> ");
		append(out, cmd_endpoint(key, "dst", "dport", part));
	}
	cmd_each_field(key, "", append_pair, out);
	return out;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct walk {
	void (*each)(void *arg, const char *name, const char *value);
	void *arg;
};

static void walk_object(const json_t *object, const char *prefix, int depth,
			const struct walk *w)
{
	size_t n = json_object_size(object), i = 0;
	NSE_FREE const char **names = calloc(n + 1, sizeof(*names));
	char name[256], text[CMD_TEXT];
	const json_t *v;
	void *at;

	if (!names)
		return;
	for (at = json_object_iter((json_t *)object); at;
	     at = json_object_iter_next((json_t *)object, at))
		names[i++] = json_object_iter_key(at);
	qsort(names, n, sizeof(*names), by_name);
	for (i = 0; i < n; i++) {
		v = json_object_get(object, names[i]);
		snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "",
			 names[i]);
		if (json_is_object(v) && depth < MAX_DEPTH)
			walk_object(v, name, depth + 1, w);
		else
			w->each(w->arg, name, cmd_value(v, text));
	}
}

void cmd_each_field(const json_t *object, const char *prefix,
		    void (*each)(void *arg, const char *name, const char *value),
		    void *arg)
{
	struct walk w = { each, arg };

	walk_object(object, prefix, 0, &w);
}
