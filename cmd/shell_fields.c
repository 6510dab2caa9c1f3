/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looks through the context in a child, since it may be much bigger than what is
 * found out. Of a big one only every so many records are looked at.
 */
#include "cmd/shell_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cmd/cmd.h"
#include "cmd/record.h"
#include "cmd/source.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

#define LOOK_AT	   20000 /* records */
#define VALUES_MAX 200	 /* of a field; more help nobody */
#define VALUE_MAX  64	 /* bytes */

static void take_value(json_t *fields, const char *name, const char *value)
{
	json_t *values = json_object_get(fields, name);

	if (!values) {
		values = json_object();
		json_object_set_new(fields, name, values);
	}
	if (value && *value && strlen(value) <= VALUE_MAX &&
	    json_object_size(values) < VALUES_MAX)
		json_object_set_new(values, value, json_true());
}

static void walk(json_t *fields, const char *prefix, const json_t *value, int depth)
{
	char text[CMD_TEXT], name[128];
	const char *key;
	json_t *v;
	size_t i;

	if (json_is_object(value) && depth < 4) {
		json_object_foreach((json_t *)value, key, v)
		{
			snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "",
				 key);
			walk(fields, name, v, depth + 1);
		}
	} else if (json_is_array(value)) {
		take_value(fields, prefix, NULL);
		json_array_foreach(value, i, v)
		{
			if (!json_is_array(v) && !json_is_object(v))
				take_value(fields, prefix, cmd_value(v, text));
		}
	} else if (!json_is_object(value)) {
		take_value(fields, prefix, cmd_value(value, text));
	}
}

static void look_at(json_t *fields, const struct nse_record *rec)
{
	static const char *const parts[] = { "key", "body", "state" };
	json_t *json = nse_record_to_json(rec);

	for (size_t i = 0; i < NSE_ARRAY_SIZE(parts); i++)
		walk(fields, "", json_object_get(json, parts[i]), 0);
	take_value(fields, "engine", rec->kind->engine);
	take_value(fields, "type", rec->kind->type);
	json_decref(json);
}

/* Bytes in hexadecimal and the like are values, but nobody types them. */
static void print_fields(json_t *fields)
{
	const char *name, *value;
	json_t *values, *v;

	json_object_foreach(fields, name, values)
	{
		printf("%s\n", name);
		json_object_foreach(values, value, v)
		{
			if (!strpbrk(value, "\t\n"))
				printf("%s\t%s\n", name, value);
		}
	}
}

/* In the child: arg is the snapshot. */
static int list_fields(void *arg, int argc, char **argv)
{
	NSE_CLEANUP(nse_snapshot_release) struct nse_snapshot s = { .ctx = NULL };
	json_t *fields = json_object();
	struct nse_error err = { 0 };
	struct nse_record rec;
	uint32_t step;

	(void)argc;
	(void)argv;
	if (!fields || nse_snapshot_load(&s, arg, &err) < 0)
		return CMD_FAILED;
	step = nse_context_slots(s.ctx) / LOOK_AT + 1;
	for (uint32_t slot = 0; slot < nse_context_slots(s.ctx); slot += step)
		if (nse_context_at(s.ctx, slot, &rec))
			look_at(fields, &rec);
	print_fields(fields);
	json_decref(fields);
	return CMD_DONE;
}

const char *shell_fields(struct shell *sh)
{
	char *file = sh->context.file;
	char *argv[] = { "help", "--fields", NULL };
	struct shell_job job = {
		.argc = 2, .argv = argv, .call = file ? list_fields : NULL, .arg = file
	};
	unsigned long of = file ? sh->context.taken : 0;

	if (!sh->fields || sh->fields_of != of) {
		free(sh->fields);
		sh->fields = shell_capture(&job);
		sh->fields_of = of;
	}
	return sh->fields;
}
