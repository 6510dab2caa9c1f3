/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds columns by name and makes their text. A name is first that of a column
 * for people, then that of a field.
 */
#include "cmd/show_columns.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/fields.h"
#include "lib/util/addr.h"
#include "lib/util/cleanup.h"

static bool is_engine(const json_t *rec, const char *engine)
{
	const char *name = json_string_value(json_object_get(rec, "engine"));

	return name && strcmp(name, engine) == 0;
}

static void append_word(char *out, const char *name, const json_t *value)
{
	char text[CMD_TEXT];
	size_t len = strlen(out);

	if (!value || json_is_false(value))
		return;
	cmd_value(value, text);
	if (*text)
		snprintf(out + len, CMD_TEXT - len, "%s%s%s%s", len ? " " : "", name,
			 *name ? "=" : "", text);
}

static void make_source(const json_t *rec, char *out)
{
	cmd_endpoint(json_object_get(rec, "key"), "src", "sport", out);
}

static void make_destination(const json_t *rec, char *out)
{
	cmd_endpoint(json_object_get(rec, "key"), "dst", "dport", out);
}

static void make_pair(const json_t *tuple, char *out)
{
	char a[CMD_TEXT], b[CMD_TEXT];

	if (json_is_object(tuple))
		snprintf(out, CMD_TEXT, "%.480s -> %.480s",
			 cmd_endpoint(tuple, "src", "sport", a),
			 cmd_endpoint(tuple, "dst", "dport", b));
}

/* The tuple that answers, where it is not just the original one turned round. */
static void make_reply(const json_t *rec, char *out)
{
	const json_t *reply = cmd_field(rec, "reply");
	char a[CMD_TEXT], b[CMD_TEXT], back[CMD_TEXT];

	if (!json_is_object(reply))
		return;
	make_destination(rec, back);
	if (strcmp(cmd_endpoint(reply, "src", "sport", a), back) == 0) {
		make_source(rec, back);
		if (strcmp(cmd_endpoint(reply, "dst", "dport", b), back) == 0)
			return;
	}
	make_pair(reply, out);
}

static void make_master(const json_t *rec, char *out)
{
	make_pair(cmd_field(rec, "master"), out);
}

static void make_info(const json_t *rec, char *out)
{
	const json_t *key = json_object_get(rec, "key");

	append_word(out, "", cmd_field(rec, "status"));
	append_word(out, "helper", cmd_field(rec, "helper"));
	if (is_engine(rec, "expect")) {
		append_word(out, "class", cmd_field(rec, "class"));
		append_word(out, "", cmd_field(rec, "flags"));
	}
	append_word(out, "type", json_object_get(key, "icmp_type"));
	append_word(out, "code", json_object_get(key, "icmp_code"));
	append_word(out, "id", json_object_get(key, "icmp_id"));
	append_word(out, "key", json_object_get(key, "srckey"));
	append_word(out, "zone_orig", json_object_get(key, "zone_orig"));
	append_word(out, "zone_reply", json_object_get(key, "zone_reply"));
	append_word(out, "labels", cmd_field(rec, "labels"));
}

static void append_field(void *arg, const char *name, const char *value)
{
	char *out = arg;
	size_t len = strlen(out);

	snprintf(out + len, CMD_TEXT - len, "%s%s=%s", len ? " " : "", name, value);
}

/* Of the record in its context; the key of a rule has a number of its own. */
static void make_number(const json_t *rec, char *out)
{
	cmd_value(json_object_get(rec, "number"), out);
}

static void make_record(const json_t *rec, char *out)
{
	cmd_record_name(rec, out);
}

static void make_fields(const json_t *rec, char *out)
{
	cmd_each_field(json_object_get(rec, "body"), "", append_field, out);
}

/* Numbers that say nothing when they are zero. */
static void make_unless_zero(const json_t *v, char *out)
{
	if (!json_is_integer(v) || json_integer_value(v))
		cmd_value(v, out);
}

static void make_mark(const json_t *rec, char *out)
{
	make_unless_zero(cmd_field(rec, "mark"), out);
}

static void make_zone(const json_t *rec, char *out)
{
	make_unless_zero(cmd_field(rec, "zone"), out);
}

static const struct made {
	const char *name;
	void (*make)(const json_t *rec, char *out);
} made[] = {
	{ "source", make_source }, { "destination", make_destination },
	{ "reply", make_reply },   { "master", make_master },
	{ "info", make_info },	   { "mark", make_mark },
	{ "zone", make_zone },	   { "record", make_record },
	{ "fields", make_fields }, { "#", make_number },
};

const char *show_column_name(size_t i)
{
	return i < NSE_ARRAY_SIZE(made) ? made[i].name
					: cmd_field_name(NULL, i - NSE_ARRAY_SIZE(made));
}

static const struct made *find_made(const char *name)
{
	for (size_t i = 0; i < NSE_ARRAY_SIZE(made); i++)
		if (strcasecmp(made[i].name, name) == 0)
			return &made[i];
	return NULL;
}

/* "…; there are source, destination, …, state, …" as far as there is room. */
static int unknown(const char *name, struct nse_error *err)
{
	char why[256], list[700] = "";
	const char *field;
	size_t n = 0;

	cmd_field_known(NULL, name, why, sizeof(why));
	for (size_t i = 0; i < NSE_ARRAY_SIZE(made); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "",
				      made[i].name);
	for (size_t i = 0; (field = cmd_field_name(NULL, i)); i++) {
		if (n + strlen(field) + 8 > sizeof(list)) {
			snprintf(list + n, sizeof(list) - n, ", ...");
			break;
		}
		if (!find_made(field) && !strchr(field, '.'))
			n += (size_t)snprintf(list + n, sizeof(list) - n, ", %s", field);
	}
	return nse_error(err, -EINVAL,
			 "there is no column '%.64s': %s\nColumns are the fields of "
			 "nsemig-json(5): %s",
			 name, why, list);
}

int show_column_check(const char *name, struct nse_error *err)
{
	char why[256];

	if (find_made(name) || cmd_field_known(NULL, name, why, sizeof(why)))
		return 0;
	return unknown(name, err);
}

static int add(struct show_columns *c, const char *name, struct nse_error *err)
{
	struct show_column *col = &c->items[c->n];
	const struct made *m = find_made(name);
	NSE_FREE char *lower = strdup(name);

	if (!lower)
		return nse_error(err, -ENOMEM, "out of memory");
	/* The titles in the output are capitals, and can be given as they stand. */
	for (char *p = lower; *p && !m; p++)
		*p = (char)tolower((unsigned char)*p);
	if (show_column_check(lower, err) < 0)
		return err ? err->code : -EINVAL;
	if (c->n == SHOW_MAX_COLUMNS || strlen(name) >= sizeof(col->field))
		return nse_error(err, -EINVAL, "more than %d columns, or a name too long",
				 SHOW_MAX_COLUMNS);
	snprintf(col->field, sizeof(col->field), "%s", m ? m->name : lower);
	for (size_t i = 0; i <= strlen(col->field); i++)
		col->title[i] = (char)toupper((unsigned char)col->field[i]);
	col->make = m ? m->make : NULL;
	c->n++;
	return 0;
}

int show_columns_parse(struct show_columns *c, const char *list, struct nse_error *err)
{
	NSE_FREE char *copy = strdup(list);
	char *rest = copy, *name;
	int rc = 0;

	c->n = 0;
	if (!copy)
		return nse_error(err, -ENOMEM, "out of memory");
	while (rc == 0 && (name = strsep(&rest, ","))) {
		name += strspn(name, " ");
		name[strcspn(name, " ")] = '\0';
		rc = add(c, name, err);
	}
	return rc;
}

const char *show_column_text(const struct show_column *c, const json_t *rec,
			     char out[CMD_TEXT])
{
	out[0] = '\0';
	if (c->make)
		c->make(rec, out);
	else
		cmd_value(nse_filter_field(rec, c->field), out);
	return out;
}

/* Strings as they are, lists of strings and numbers with commas, else JSON. */
char *show_column_full(const struct show_column *c, const json_t *rec)
{
	const json_t *v = c->make ? NULL : nse_filter_field(rec, c->field), *item;
	NSE_CLEANUP(nse_freep) char *list = NULL;
	char text[CMD_TEXT];
	size_t i, n;

	if (c->make || !v)
		return strdup(c->make ? show_column_text(c, rec, text) : "");
	if (json_is_string(v))
		return strdup(json_string_value(v));
	if (!json_is_array(v))
		return json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	list = strdup("");
	json_array_foreach(v, i, item)
	{
		char *part = json_is_string(item)
				     ? strdup(json_string_value(item))
				     : json_dumps(item, JSON_COMPACT | JSON_ENCODE_ANY);
		char *more = NULL;

		n = list && part ? strlen(list) + strlen(part) + 2 : 0;
		if (n && (more = malloc(n)))
			snprintf(more, n, "%s%s%s", list, i ? "," : "", part);
		free(part);
		free(list);
		list = more;
	}
	return nse_take(list);
}

void show_column_shape(const struct show_column *c, const json_t *rec,
		       struct cmd_column *shape)
{
	const json_t *v = nse_filter_field(rec, c->field);
	static const char *const whole[] = { "proto",  "state",	      "family", "engine",
					     "source", "destination", "type" };
	struct nse_addr addr;
	struct nse_error unused;

	*shape = (struct cmd_column){ .title = c->title, .cut = true };
	for (size_t i = 0; i < NSE_ARRAY_SIZE(whole); i++)
		shape->cut = shape->cut && strcmp(c->field, whole[i]) != 0;
	shape->right = json_is_number(v) || strcmp(c->field, "#") == 0 ||
		       strcmp(c->field, "mark") == 0 || strcmp(c->field, "zone") == 0;
	if (shape->right || (json_is_string(v) && !c->make &&
			     nse_addr_parse(json_string_value(v), &addr, &unused) == 0))
		shape->cut = false;
}
