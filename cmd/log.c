/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages to the journal and to syslog.
 */
#include "cmd/log.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where in the source it was sent is of no use to anybody. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "cmd/output.h"
#include "lib/util/error.h"

#define JOURNAL	   "/run/systemd/journal/socket"
#define FIELDS_MAX 32
#define TEXT_MAX   (4 * NSE_ERROR_MAX)

/* A scalar as text, or NULL; owned by the caller. */
static char *text_of(const json_t *value)
{
	char *out = NULL;

	if (json_is_string(value))
		return strdup(json_string_value(value));
	if (json_is_boolean(value))
		return strdup(json_is_true(value) ? "yes" : "no");
	if (json_is_integer(value) &&
	    asprintf(&out, "%lld", (long long)json_integer_value(value)) < 0)
		return NULL;
	return out;
}

struct fields {
	struct iovec items[FIELDS_MAX];
	int n;
};

static void add_field(struct fields *f, const char *prefix, const char *name,
		      const char *value)
{
	char *text = NULL;
	int n;

	if (f->n == FIELDS_MAX)
		return;
	n = asprintf(&text, "%s%s=%s", prefix, name, value);
	if (n < 0)
		return;
	/* The journal takes no field of another form. */
	for (char *c = text; *c && *c != '='; c++)
		*c = (char)toupper((unsigned char)*c);
	f->items[f->n++] = (struct iovec){ text, (size_t)n };
}

static bool to_journal(const char *id, int priority, const json_t *fields,
		       const char *text)
{
	struct fields f = { .n = 0 };
	char number[16];
	const char *name;
	json_t *value;
	int rc;

	snprintf(number, sizeof(number), "%d", priority);
	add_field(&f, "", "MESSAGE", text);
	add_field(&f, "", "MESSAGE_ID", id);
	add_field(&f, "", "PRIORITY", number);
	add_field(&f, "", "SYSLOG_IDENTIFIER", "nsemig");
	json_object_foreach((json_t *)fields, name, value)
	{
		char *own = text_of(value);

		if (own)
			add_field(&f, "NSEMIG_", name, own);
		free(own);
	}
	rc = sd_journal_sendv(f.items, f.n);
	for (int i = 0; i < f.n; i++)
		free(f.items[i].iov_base);
	return rc >= 0;
}

/* A syslog message is one line. */
static const char *one_line(char *text, char *safe, size_t room)
{
	for (char *c = text; (c = strchr(c, '\n'));)
		*c = ' ';
	return cmd_safe(text, safe, room);
}

/* name=value, in quotes when there are spaces in it. */
static size_t append(char *out, size_t room, const char *name, char *value)
{
	const char *quote = value[0] && !strpbrk(value, " \n\"]") ? "" : "\"";
	char safe[NSE_ERROR_MAX];
	int n;

	one_line(value, safe, sizeof(safe));
	for (char *c = safe; *c; c++)
		*c = *c == '"' ? '\'' : *c;
	n = snprintf(out, room, " %s=%s%s%s", name, quote, safe, quote);
	return n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

static void to_syslog(int priority, const json_t *fields, char *text)
{
	char safe[TEXT_MAX], facts[4 * NSE_ERROR_MAX] = "";
	const char *name;
	json_t *value;
	size_t len = 0;

	json_object_foreach((json_t *)fields, name, value)
	{
		char *own = text_of(value);

		if (own)
			len += append(facts + len, sizeof(facts) - len, name, own);
		free(own);
	}
	openlog("nsemig", LOG_PID, LOG_DAEMON);
	syslog(priority, "%s%s%s%s", one_line(text, safe, sizeof(safe)), len ? " [" : "",
	       len ? facts + 1 : "", len ? "]" : "");
	closelog();
}

void cmd_log(const struct nse_config *config, const char *id, int priority,
	     const json_t *fields, const char *fmt, ...)
{
	const char *to = nse_config_get(config, "log", "to");
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (strcmp(to, "none") == 0)
		return;
	/* Without a journal the library reports success, too. */
	if (strcmp(to, "syslog") && access(JOURNAL, F_OK) == 0 &&
	    to_journal(id, priority, fields, text))
		return;
	if (strcmp(to, "journal"))
		to_syslog(priority, fields, text);
}
