/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records of nf_tables in plain words. What a rule does is nft's own text; here
 * stands what it is, why it is in, and what becomes of its state.
 */
#include "cmd/explain.h"

#include <stdio.h>
#include <string.h>

#include "cmd/record.h"
#include "lib/util/cleanup.h"

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static long long number_of(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

static void what_chain(struct explain *x, const json_t *key, const json_t *body)
{
	if (!json_object_get(body, "hook")) {
		explain_say(x, "what",
			    "The chain %s of table %s %s: packets come into it by a "
			    "jump from another.",
			    text_of(key, "name"), text_of(key, "family"),
			    text_of(key, "table"));
		return;
	}
	explain_say(x, "what",
		    "The base chain %s of table %s %s: %s packets at the hook %s, "
		    "priority %lld.",
		    text_of(key, "name"), text_of(key, "family"), text_of(key, "table"),
		    strcmp(text_of(body, "type"), "nat") ? "it sees the"
							 : "it sees the first",
		    text_of(body, "hook"), number_of(body, "priority"));
	if (*text_of(body, "policy"))
		explain_say(x, "policy",
			    "%s: what happens to packets that no rule decides "
			    "about",
			    text_of(body, "policy"));
}

static void what_set(struct explain *x, const json_t *key, const json_t *body)
{
	bool map = *text_of(body, "data_type") || json_object_get(body, "objects");

	explain_say(x, "what", "The %s %s of table %s %s: %s%s%s.", map ? "map" : "set",
		    text_of(key, "name"), text_of(key, "family"), text_of(key, "table"),
		    text_of(body, "key_type"), *text_of(body, "data_type") ? " : " : "",
		    text_of(body, "data_type"));
	if (json_object_get(body, "size"))
		explain_say(x, "size", "at most %lld elements", number_of(body, "size"));
}

static void what_element(struct explain *x, const json_t *key, const json_t *body)
{
	explain_say(x, "what", "The element %s of the set %s in table %s %s.",
		    text_of(key, "element"), text_of(key, "set"), text_of(key, "family"),
		    text_of(key, "table"));
	if (*text_of(body, "verdict"))
		explain_say(x, "verdict", "%s%s%s", text_of(body, "verdict"),
			    *text_of(body, "chain") ? " " : "", text_of(body, "chain"));
}

static void what_rule(struct explain *x, const json_t *key)
{
	explain_say(x, "what",
		    "Rule %lld (counted from 0) of the chain %s in table %s %s.",
		    number_of(key, "number"), text_of(key, "chain"),
		    text_of(key, "family"), text_of(key, "table"));
}

static void say_what(struct explain *x, const char *type)
{
	const json_t *key = json_object_get(x->rec, "key");
	const json_t *body = json_object_get(x->rec, "body");

	if (strcmp(type, "table") == 0)
		explain_say(x, "what", "The table %s %s.", text_of(key, "family"),
			    text_of(key, "table"));
	else if (strcmp(type, "chain") == 0)
		what_chain(x, key, body);
	else if (strcmp(type, "set") == 0)
		what_set(x, key, body);
	else if (strcmp(type, "element") == 0)
		what_element(x, key, body);
	else if (strcmp(type, "rule") == 0)
		what_rule(x, key);
	else
		explain_say(x, "what", "The %s %s of table %s %s.",
			    *text_of(key, "type") ? text_of(key, "type") : type,
			    text_of(key, "name"), text_of(key, "family"),
			    text_of(key, "table"));
}

static void say_times(struct explain *x)
{
	const json_t *body = json_object_get(x->rec, "body");
	const json_t *state = json_object_get(x->rec, "state");
	char time[EXPLAIN_TIME];

	if (json_object_get(body, "timeout_ms"))
		explain_say(x, "timeout", "%s after an element was put in",
			    explain_time(number_of(body, "timeout_ms") / 1000, time));
	if (json_object_get(state, "expires_ms"))
		explain_say(x, "expires",
			    "in %s, counted from when the context was taken",
			    explain_time(number_of(state, "expires_ms") / 1000, time));
	if (json_is_integer(json_object_get(state, "packets")))
		explain_say(x, "counter", "%lld packets, %lld bytes",
			    number_of(state, "packets"), number_of(state, "bytes"));
	if (json_is_integer(json_object_get(state, "used")))
		explain_say(x, "quota", "%lld bytes are used", number_of(state, "used"));
}

/* State that no kernel tells, by the expression or the extension that has it. */
static void say_lost(struct explain *x, const json_t *expressions)
{
	static const struct {
		const char *name, *text;
	} lost[] = {
		{ "limit", "what the `limit` has left: it begins with its whole burst" },
		{ "connlimit", "whom `ct count` has counted: it begins at 0" },
		{ "hashlimit", "whom `-m hashlimit` has seen" },
		{ "recent", "whom `-m recent` has seen" },
	};
	const json_t *e;
	size_t i;

	json_array_foreach(expressions, i, e)
	{
		const char *name = text_of(e, "name");

		if (strcmp(name, "match") == 0)
			name = text_of(e, "extension");
		for (size_t l = 0; l < NSE_ARRAY_SIZE(lost); l++)
			if (strcmp(lost[l].name, name) == 0)
				explain_say(x, "not restored",
					    "%s; the kernel does not say", lost[l].text);
	}
}

static void say_restored(struct explain *x, const char *type)
{
	const json_t *body = json_object_get(x->rec, "body");

	if (strcmp(type, "rule") == 0)
		explain_say(x, "restored",
			    "the whole rule, at the same relative place of its "
			    "chain, with the values of its counters and quotas");
	else if (strcmp(type, "element") == 0)
		explain_say(x, "restored",
			    "the element with the time that it has left, and "
			    "its counters and quotas");
	else
		explain_say(x, "restored", "all of it%s",
			    strcmp(type, "chain") && strcmp(type, "table") &&
					    strcmp(type, "set")
				    ? ", with its values"
				    : "");
	say_lost(x, json_object_get(body, "expressions"));
	if (strcmp(text_of(json_object_get(x->rec, "key"), "type"), "limit") == 0)
		explain_say(x, "not restored",
			    "what the limit has left: it begins with its whole burst");
}

bool explain_nft(struct explain *x)
{
	const char *type = text_of(x->rec, "type");
	bool needed = strncmp(type, "need-", 5) == 0;

	if (strcmp(text_of(x->rec, "engine"), "nft"))
		return false;
	type += needed ? 5 : 0;
	say_what(x, type);
	if (x->text && *x->text)
		explain_say(x, "nft", "%s", x->text);
	if (*text_of(json_object_get(x->rec, "body"), "comment"))
		explain_say(x, "comment", "%s",
			    text_of(json_object_get(x->rec, "body"), "comment"));
	if (x->why)
		explain_say(x, "why", "%s", x->why);
	say_times(x);
	if (needed)
		explain_say(x, "needed",
			    "others use it as well: it stays here, is not carried, "
			    "and must be alike on a host that takes the context");
	else
		say_restored(x, type);
	return true;
}
