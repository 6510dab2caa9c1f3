/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One line for each change: when, what has become of it ("+" new, "~" changed, "-"
 * gone, "=" there from the beginning), and the record in the words of `show`.
 */
#include "cmd/watch_print.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "cmd/output.h"
#include "cmd/record.h"
#include "cmd/watch_nft.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

#define MAX_FIELDS 256

/* An item as JSON: before and after, or NULL. */
struct both {
	json_t *a, *b;
};

static void both_release(struct both *j)
{
	json_decref(j->a);
	json_decref(j->b);
}

static json_t *json_at(const struct nse_context *ctx, uint32_t slot)
{
	struct nse_record rec;

	return slot != NSE_CONTEXT_NONE && nse_context_at(ctx, slot, &rec)
		       ? nse_record_to_json(&rec)
		       : NULL;
}

static int64_t realtime_us(void)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	return (int64_t)tv.tv_sec * 1000000 + tv.tv_usec;
}

/* --- JSON --------------------------------------------------------------- */

static int print_object(const struct watch_print *p, json_t *line)
{
	int rc = line ? json_dumpf(line, stdout, JSON_COMPACT) : -1;

	json_decref(line);
	putchar('\n');
	return rc < 0 && !ferror(stdout) ? nse_error(p->err, -ENOMEM, "out of memory")
					 : 0;
}

static int print_json(const struct watch_print *p, enum nse_change change,
		      const struct both *j)
{
	static const char *const words[] = { "added", "removed", "changed" };
	char now[CMD_TIME];
	const char *time = cmd_time(realtime_us(), now);

	if (change == NSE_CHANGED)
		return print_object(p, json_pack("{s:i, s:s, s:s, s:O, s:O}", "format", 1,
						 "time", time, "change", words[change],
						 "a", j->a, "b", j->b));
	return print_object(p,
			    json_pack("{s:i, s:s, s:s, s:O}", "format", 1, "time", time,
				      "change", p->first ? "present" : words[change],
				      "record", j->b ? j->b : j->a));
}

int watch_print_lost(struct watch_print *p)
{
	char now[CMD_TIME];
	int rc;

	if (!p->json)
		return 0;
	rc = print_object(p, json_pack("{s:i, s:s, s:s}", "format", 1, "time",
				       cmd_time(realtime_us(), now), "change", "lost"));
	return rc < 0 ? rc : cmd_flush(p->err);
}

/* --- for people --------------------------------------------------------- */

static void print_lead(const struct watch_print *p, char sign)
{
	static const enum cmd_style styles[] = {
		['+'] = CMD_GREEN, ['-'] = CMD_RED, ['~'] = CMD_YELLOW, ['='] = CMD_PLAIN
	};
	int64_t us = realtime_us();
	time_t t = (time_t)(us / 1000000);
	char text[16] = "";
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	printf("%s%s.%03d%s %s%c ", cmd_style(p->color, CMD_DIM), text,
	       (int)(us % 1000000 / 1000), cmd_style(p->color, CMD_PLAIN),
	       cmd_style(p->color, styles[(unsigned char)sign]), sign);
}

/* The details of a protocol, which only say something where nothing else does. */
static bool is_detail(const char *name)
{
	return strncmp(name, "tcp.", 4) == 0 || strncmp(name, "reply.", 6) == 0 ||
	       strcmp(name, "labels_mask") == 0;
}

static void print_field(void *arg, const char *name, const char *value)
{
	(void)arg;
	if (!*value || strcmp(value, "0") == 0 || strcmp(value, "false") == 0 ||
	    is_detail(name))
		return;
	if (strcmp(name, "state") == 0 || strcmp(name, "status") == 0)
		printf(" %s", value);
	else
		printf(" %s=%s", name, value);
}

/* The answer's tuple, where addresses are translated. */
static void print_reply(const json_t *rec)
{
	const json_t *reply = cmd_field(rec, "reply"), *key = json_object_get(rec, "key");
	char a[CMD_TEXT], b[CMD_TEXT], back[CMD_TEXT];

	if (!json_is_object(reply))
		return;
	cmd_endpoint(reply, "src", "sport", a);
	cmd_endpoint(reply, "dst", "dport", b);
	if (strcmp(a, cmd_endpoint(key, "dst", "dport", back)) ||
	    strcmp(b, cmd_endpoint(key, "src", "sport", back)))
		printf(" reply %s -> %s", a, b);
}

static void print_whole(const struct watch_print *p, char sign, const json_t *rec)
{
	char name[CMD_TEXT];

	print_lead(p, sign);
	fputs(cmd_record_name(rec, name), stdout);
	cmd_each_field(json_object_get(rec, "body"), "", print_field, NULL);
	print_reply(rec);
	if (sign != '-')
		cmd_each_field(json_object_get(rec, "state"), "", print_field, NULL);
	printf("%s\n", cmd_style(p->color, CMD_PLAIN));
}

struct fields {
	size_t n;
	struct {
		char name[128], value[CMD_TEXT];
	} items[MAX_FIELDS];
};

static void keep_field(void *arg, const char *name, const char *value)
{
	struct fields *f = arg;

	if (f->n == MAX_FIELDS)
		return;
	snprintf(f->items[f->n].name, sizeof(f->items[0].name), "%s", name);
	snprintf(f->items[f->n++].value, sizeof(f->items[0].value), "%s", value);
}

static const char *value_of(const struct fields *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->items[i].name, name) == 0)
			return f->items[i].value;
	return "";
}

/* " state SYN_SENT -> ESTABLISHED" for what differs; details when asked for. */
static int print_differing(const struct fields *a, const struct fields *b, bool details)
{
	int n = 0;

	for (size_t i = 0; i < b->n; i++) {
		const char *name = b->items[i].name, *now = b->items[i].value;
		const char *was = value_of(a, name);

		if (strcmp(was, now) == 0 || is_detail(name) != details)
			continue;
		printf("%s %s %s -> %s", n++ ? "," : "", name, *was ? was : "none",
		       *now ? now : "none");
	}
	for (size_t i = 0; i < a->n; i++) {
		const char *name = a->items[i].name, *was = a->items[i].value;
		bool stays = false;

		for (size_t j = 0; j < b->n && !stays; j++)
			stays = strcmp(b->items[j].name, name) == 0;
		if (!stays && *was && is_detail(name) == details)
			printf("%s %s %s -> none", n++ ? "," : "", name, was);
	}
	return n;
}

static int print_fields(const struct watch_print *p, const struct both *j)
{
	NSE_FREE struct fields *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));

	if (!a || !b)
		return nse_error(p->err, -ENOMEM, "out of memory");
	a->n = b->n = 0;
	cmd_each_field(json_object_get(j->a, "body"), "", keep_field, a);
	cmd_each_field(json_object_get(j->b, "body"), "", keep_field, b);
	if (p->state) {
		cmd_each_field(json_object_get(j->a, "state"), "", keep_field, a);
		cmd_each_field(json_object_get(j->b, "state"), "", keep_field, b);
	}
	if (!print_differing(a, b, false))
		print_differing(a, b, true);
	return 0;
}

static int print_changed(const struct watch_print *p, const struct both *j,
			 const char *line)
{
	char name[CMD_TEXT];
	int rc;

	print_lead(p, '~');
	fputs(line ? line : cmd_record_name(j->b, name), stdout);
	fputs(line ? "  #" : "", stdout);
	rc = print_fields(p, j);
	printf("%s\n", cmd_style(p->color, CMD_PLAIN));
	return rc;
}

static void print_line(const struct watch_print *p, char sign, const char *line)
{
	print_lead(p, sign);
	printf("%s%s\n", line, cmd_style(p->color, CMD_PLAIN));
}

/* A terminal's own idea of what stands in a rule. */
static char *safe_line(const struct watch_nft *nft, const struct nse_watch_news *news,
		       size_t item, bool after)
{
	NSE_FREE char *line = watch_nft_line(nft, news, item, after);
	char *safe = line ? malloc(4 * strlen(line) + 8) : NULL;

	if (safe)
		cmd_safe(line, safe, 4 * strlen(line) + 8);
	return safe;
}

/* 1 printed; 0: there is nothing to be said of it; -errno. */
static int print_nft(const struct watch_print *p, const struct watch_nft *nft,
		     const struct nse_watch_news *news, size_t i, const struct both *j)
{
	NSE_FREE char *before = safe_line(nft, news, i, false);
	NSE_FREE char *after = safe_line(nft, news, i, true);

	if (!before && !after)
		return 0;
	if (before && after && strcmp(before, after) == 0)
		return print_changed(p, j, after) ?: 1;
	if (before)
		print_line(p, '-', before);
	if (after)
		print_line(p, p->first ? '=' : '+', after);
	return 1;
}

static int print_text(const struct watch_print *p, enum nse_change change,
		      const struct both *j)
{
	if (change == NSE_CHANGED)
		return print_changed(p, j, NULL);
	print_whole(p,
		    p->first		  ? '='
		    : change == NSE_ADDED ? '+'
					  : '-',
		    j->b ? j->b : j->a);
	return 0;
}

/* 1 printed, 0 not, -errno. */
static int print_item(struct watch_print *p, const struct watch_nft *nft,
		      const struct nse_watch_news *news, size_t i)
{
	const struct nse_diff_item *it = &news->diff->items[i];
	NSE_CLEANUP(both_release)
	struct both j = { json_at(news->a, it->a), json_at(news->b, it->b) };
	const char *engine;
	int rc = 0;

	if (!j.a && !j.b)
		return nse_error(p->err, -ENOMEM, "out of memory");
	if (p->filter && !(j.a && nse_filter_match(p->filter, j.a)) &&
	    !(j.b && nse_filter_match(p->filter, j.b)))
		return 0;
	engine = json_string_value(json_object_get(j.b ? j.b : j.a, "engine"));
	if (p->json)
		rc = print_json(p, it->change, &j);
	else if (nft && strcmp(engine, "nft") == 0)
		return print_nft(p, nft, news, i, &j);
	else
		rc = print_text(p, it->change, &j);
	return rc < 0 ? rc : 1;
}

int watch_print_news(void *arg, const struct nse_watch_news *news)
{
	struct watch_print *p = arg;
	NSE_CLEANUP(watch_nft_freep) struct watch_nft *nft = NULL;
	int rc = p->json ? 0 : watch_nft_new(&nft, news, p->state, p->err);

	for (size_t i = 0; i < news->diff->n && rc >= 0; i++) {
		rc = print_item(p, nft, news, i);
		if (rc <= 0)
			continue;
		if (!p->first)
			p->n[news->diff->items[i].change]++;
		if (p->left > 0 && !p->first && --p->left == 0)
			rc = -ECANCELED;
	}
	if (rc < 0 && rc != -ECANCELED)
		return rc;
	return cmd_flush(p->err) < 0 ? p->err->code : rc < 0 ? rc : 0;
}
