/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes JSON straight into a buffer.
 */
#include "cmd/json_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/util/cleanup.h"

static int put(struct nse_buf *buf, const char *text)
{
	return nse_buf_put(buf, text, strlen(text));
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c != '"' && c != '\\';
}

static int put_special(struct nse_buf *buf, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = c ? strchr(from, c) : NULL;
	char text[8] = { '\\', at ? to[at - from] : '\0', '\0' };

	if (!at)
		snprintf(text, sizeof(text), "\\u%04X", c);
	return put(buf, text);
}

static int put_string(struct nse_buf *buf, const char *text, size_t n)
{
	int rc = put(buf, "\"");

	for (size_t i = 0; i < n && rc == 0;) {
		size_t run = i;

		while (run < n && is_plain((unsigned char)text[run]))
			run++;
		rc = nse_buf_put(buf, text + i, run - i);
		i = run;
		if (i < n && rc == 0)
			rc = put_special(buf, (unsigned char)text[i++]);
	}
	return rc < 0 ? rc : put(buf, "\"");
}

static int put_integer(struct nse_buf *buf, json_int_t v)
{
	uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	char text[24], *p = text + sizeof(text);

	do
		*--p = (char)('0' + rest % 10);
	while (rest /= 10);
	if (v < 0)
		*--p = '-';
	return nse_buf_put(buf, p, (size_t)(text + sizeof(text) - p));
}

static int put_array(struct nse_buf *buf, const json_t *v)
{
	int rc = put(buf, "[");
	const json_t *item;
	size_t i;

	json_array_foreach(v, i, item)
	{
		if (rc == 0 && i)
			rc = put(buf, ",");
		if (rc == 0)
			rc = cmd_json_text(buf, item);
	}
	return rc < 0 ? rc : put(buf, "]");
}

static int put_object(struct nse_buf *buf, const json_t *v)
{
	int rc = put(buf, "{");
	const char *name, *comma = "";
	json_t *item;

	json_object_foreach((json_t *)v, name, item)
	{
		if (rc == 0)
			rc = put(buf, comma);
		if (rc == 0)
			rc = put_string(buf, name, strlen(name));
		if (rc == 0)
			rc = put(buf, ":");
		if (rc == 0)
			rc = cmd_json_text(buf, item);
		comma = ",";
	}
	return rc < 0 ? rc : put(buf, "}");
}

/* What is rare is left to the library. */
static int put_other(struct nse_buf *buf, const json_t *v)
{
	NSE_FREE char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

	return text ? put(buf, text) : -ENOMEM;
}

int cmd_json_text(struct nse_buf *buf, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return put_object(buf, v);
	case JSON_ARRAY:
		return put_array(buf, v);
	case JSON_STRING:
		return put_string(buf, json_string_value(v), json_string_length(v));
	case JSON_INTEGER:
		return put_integer(buf, json_integer_value(v));
	default:
		return put_other(buf, v);
	}
}
