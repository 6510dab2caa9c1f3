/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of a connection arrives at a host that takes its record, what does not, and
 * what that host must have. It follows from what the kernel lets its users set.
 */
#include "cmd/explain.h"

#include <stdio.h>
#include <string.h>

#include "cmd/record.h"

static bool has(const json_t *rec, const char *name)
{
	return cmd_field(rec, name) != NULL;
}

static bool has_status(const json_t *rec, const char *word)
{
	const json_t *list = cmd_field(rec, "status"), *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		if (strcmp(json_string_value(v), word) == 0)
			return true;
	}
	return false;
}

/* Appends ", text" */
static void append(char *out, size_t room, const char *text)
{
	size_t n = strlen(out);

	snprintf(out + n, room - n, "%s%s", n ? ", " : "", text);
}

static void say_restored(struct explain *x)
{
	static const struct {
		const char *field, *text;
	} parts[] = {
		{ "tcp", "state, window scale and flags of both directions" },
		{ "sctp", "state and verification tags" },
		{ "dccp", "state, role and sequence" },
		{ "nat", "the translation both ways" },
		{ "seqadj", "the shift of sequence numbers" },
		{ "synproxy", "the SYN proxy's numbers" },
		{ "helper", "the helper" },
		{ "master", "its place behind the master" },
	};
	const json_t *mark = cmd_field(x->rec, "mark");
	char text[1024] = "both directions, status, remaining time";

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (has(x->rec, parts[i].field))
			append(text, sizeof(text), parts[i].text);
	if (json_integer_value(mark))
		append(text, sizeof(text), "mark");
	if (has(x->rec, "zone") || has(x->rec, "zone_orig"))
		append(text, sizeof(text), "zone");
	explain_say(x, "restored", "%s", text);
}

static void say_needed(struct explain *x)
{
	const char *helper = json_string_value(cmd_field(x->rec, "helper"));

	if (has(x->rec, "nat"))
		explain_say(x, "needs",
			    "a nat chain at the target, or the kernel would take "
			    "it and not translate: without one it is refused");
	if (helper)
		explain_say(x, "needs",
			    "the helper %s at the target (modprobe "
			    "nf_conntrack_%s), or it is refused",
			    helper, helper);
	if (has(x->rec, "labels"))
		explain_say(x, "needs",
			    "a rule with `ct label` at the target, or the kernel "
			    "drops the labels without a word");
	if (has(x->rec, "master"))
		explain_say(x, "needs",
			    "its master at the target: it is installed first");
}

static void say_lost(struct explain *x)
{
	if (has(x->rec, "packets") || has(x->rec, "bytes"))
		explain_say(x, "not restored",
			    "packets and bytes: the kernel lets nobody set them, they "
			    "begin at 0");
	if (has(x->rec, "start"))
		explain_say(x, "not restored",
			    "the time of creation: the kernel lets nobody set it");
	if (has(x->rec, "tcp"))
		explain_say(x, "not restored",
			    "where the TCP window stands: no kernel tells. A migration "
			    "lets segments outside of it pass until it is known again");
	if (has_status(x->rec, "fixed-timeout"))
		explain_say(x, "not restored",
			    "the time while it is on its way: a fixed time cannot be "
			    "corrected");
	explain_say(
		x, "not restored",
		"a `ct timeout` policy, if a rule gave it one: the kernel does not say");
}

void explain_flow_restored(struct explain *x)
{
	const char *engine = json_string_value(json_object_get(x->rec, "engine"));
	const json_t *flags = cmd_field(x->rec, "flags"), *v;
	size_t i;

	if (strcmp(engine, "conntrack") == 0) {
		say_restored(x);
		say_needed(x);
		say_lost(x);
		return;
	}
	explain_say(x, "restored",
		    "tuple, mask, master, NAT, flags, class, helper, "
		    "remaining time");
	explain_say(x, "needs", "its master at the target, with the helper %s",
		    json_string_value(cmd_field(x->rec, "helper")));
	json_array_foreach(flags, i, v)
	{
		if (strcmp(json_string_value(v), "userspace") == 0)
			explain_say(x, "not restored",
				    "the mark of a helper in user space: the kernel lets "
				    "nobody set it");
	}
}
